"""A relying party that shows what it is given (OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 8252).

It is the native client of the seed: its redirect URI is on the loopback interface, at any port.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.httpserver import HTTPServer
from tornado.web import HTTPError

from porta.dev import pages, web

T = TypeVar("T")
_COOKIE = "porta_demonstration"
_RESULT_COOKIE = "porta_demonstration_result"
_MOST_PENDING = 100
MOST_RESULTS = 20
_TIMES = frozenset({"iat", "exp", "auth_time", "nbf", "updated_at"})


@dataclass(frozen=True, slots=True)
class Registration:
    """The client it is: who issues its tokens, and what it may ask for."""

    issuer: str
    client_id: str
    scope: str


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that was begun."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@dataclass(slots=True)
class Demonstration:
    """The relying party of one run."""

    registration: Registration
    redirect_uri: str = ""
    pending: OrderedDict[str, Pending] = field(default_factory=OrderedDict)
    results: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Pages that show what was learned, by what the browser's cookie says."""


class SignInRefused(HTTPError):
    """The sign-in cannot be completed; the message is for a person."""

    def __init__(self, message: str) -> None:
        super().__init__(400)
        self.message = message


def start(registration: Registration, port: int = 0) -> tuple[str, HTTPServer]:
    """Listen on the loopback interface; return the link that starts a sign-in, and the server."""
    client = Demonstration(registration)
    handlers = {
        "/": _WelcomeHandler,
        "/sign-in": _SignInHandler,
        "/callback": _CallbackHandler,
        "/result": _ResultHandler,
    }
    routes = [(path, handler, {"client": client}) for path, handler in handlers.items()]
    base, server = web.serve(routes, port)
    client.redirect_uri = f"{base}/callback"
    return f"{base}/sign-in", server


class _ClientHandler(web.PageHandler):
    """A page of the relying party, or why there is none."""

    def initialize(self, client: Demonstration) -> None:
        self.client = client

    def keep_cookie(self, name: str, value: str) -> None:
        self.set_header("Set-Cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Lax")

    def brought(self, name: str) -> list[str]:
        """Return the values of a cookie: several, as all ports of a host share its cookies."""
        pairs = (pair.strip() for pair in self.request.headers.get("Cookie", "").split(";"))
        return [pair.removeprefix(f"{name}=") for pair in pairs if pair.startswith(f"{name}=")]

    def write_error(self, status_code: int, **info: Any) -> None:
        refusal = info["exc_info"][1]
        if isinstance(refusal, SignInRefused):
            self.finish(pages.render("refused", reason=refusal.message))
        else:
            super().write_error(status_code, **info)


class _WelcomeHandler(_ClientHandler):
    """`GET /`."""

    def get(self) -> None:
        self.finish(pages.render("welcome", issuer=self.client.registration.issuer))


class _SignInHandler(_ClientHandler):
    """`GET /sign-in`: to the authorization endpoint."""

    async def get(self) -> None:
        endpoint = (await _metadata(self.client))["authorization_endpoint"]
        state, pending = _keep(self.client.pending, Pending(), _MOST_PENDING)
        parameters = {
            "response_type": "code",
            "client_id": self.client.registration.client_id,
            "redirect_uri": self.client.redirect_uri,
            "scope": self.client.registration.scope,
            "state": state,
            "nonce": pending.nonce,
            "code_challenge": challenge(pending.verifier),
            "code_challenge_method": "S256",
        }
        # RFC 9700 §4.7.1: the state is this browser's; no one can slip in another's code.
        self.keep_cookie(_COOKIE, state)
        self.see_other(f"{endpoint}?{urlencode(parameters)}")


class _CallbackHandler(_ClientHandler):
    """`GET /callback`: what was learned is kept for this browser alone, which is sent there.

    It can be loaded again, a code not.
    """

    async def get(self) -> None:
        answer = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        pending = _take_pending(self.client, answer, self.brought(_COOKIE))
        shown = await _complete(self.client, answer, pending)
        # By another name than the state, which others are told.
        identifier, _ = _keep(self.client.results, shown, MOST_RESULTS)
        self.keep_cookie(_RESULT_COOKIE, identifier)
        self.see_other("/result")


class _ResultHandler(_ClientHandler):
    """`GET /result`."""

    def get(self) -> None:
        kept = map(self.client.results.get, self.brought(_RESULT_COOKIE))
        shown = next(filter(None, kept), None)
        if shown is None:
            raise SignInRefused("Nothing is kept here for this browser, or no longer.")
        self.finish(shown)


def _keep(kept: OrderedDict[str, T], value: T, most: int) -> tuple[str, T]:
    """Keep `value` under a new, random name, and return both; the oldest goes for it."""
    name = secrets.token_urlsafe(24)
    kept[name] = value
    while len(kept) > most:
        kept.popitem(last=False)
    return name, value


def challenge(verifier: str) -> str:
    """Return the S256 code challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())[:43].decode()


def _take_pending(client: Demonstration, answer: Mapping[str, str], begun: list[str]) -> Pending:
    """Return the sign-in that is answered, which it is once, to a browser that has `begun` it.

    Raises SignInRefused.
    """
    state = answer.get("state", "")
    own = any(hmac.compare_digest(each.encode(), state.encode()) for each in begun)
    pending = client.pending.pop(state, None) if own else None
    if pending is None:
        raise SignInRefused("This answer belongs to no sign-in that was begun here. Begin again.")
    if answer.get("iss") != client.registration.issuer:  # RFC 9207 §2.4
        raise SignInRefused("The answer names another issuer than the one that was asked.")
    if error := answer.get("error"):
        raise SignInRefused(f"{error}: {answer.get('error_description', '')}")
    return pending


async def _complete(client: Demonstration, answer: Mapping[str, str], pending: Pending) -> str:
    """Return the page that shows what an answer is good for. Raises SignInRefused."""
    metadata = await _metadata(client)
    form = {
        "grant_type": "authorization_code",
        "client_id": client.registration.client_id,
        "code": answer.get("code", ""),
        "redirect_uri": client.redirect_uri,
        "code_verifier": pending.verifier,
    }
    tokens = await _ask(metadata["token_endpoint"], form=form)
    id_token = str(tokens.pop("id_token"))
    header, claims = _verify(client, id_token, await _ask(metadata["jwks_uri"]), pending.nonce)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    userinfo = await _ask(metadata["userinfo_endpoint"], headers=bearer)
    if userinfo.get("sub") != claims["sub"]:  # OpenID Connect Core 1.0 §5.3.2
        raise SignInRefused("The userinfo is about somebody else than the ID token.")
    leave = urlencode({"client_id": client.registration.client_id})
    return pages.render(
        "signed_in",
        name=userinfo.get("name") or userinfo.get("email") or claims["sub"],
        header=header,
        claims=claims,
        id_token=id_token,
        userinfo=userinfo,
        response=tokens,
        logout=f"{metadata['end_session_endpoint']}?{leave}",
        shown=_shown,
    )


def _verify(
    client: Demonstration, token: str, jwks: Mapping[str, Any], nonce: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a valid ID token (Core §3.1.3.7). Raises SignInRefused."""
    from porta.dev import id_tokens  # cryptography: only who signs in waits for it

    issuer, client_id = client.registration.issuer, client.registration.client_id
    try:
        return id_tokens.verified(
            token, jwks, issuer=issuer, client_id=client_id, nonce=nonce, now=time.time()
        )
    except id_tokens.InvalidJWT as error:
        raise SignInRefused(f"The ID token is not valid: {error}.") from None


def _shown(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if name in _TIMES and isinstance(value, int):
            yield name, f"{value} ({datetime.fromtimestamp(value).astimezone():%Y-%m-%d %H:%M:%S})"
        else:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


async def _metadata(client: Demonstration) -> dict[str, Any]:
    return await _ask(f"{client.registration.issuer}/.well-known/openid-configuration")


async def _ask(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Fetch JSON from Porta. Raises SignInRefused."""
    body = urlencode(form) if form is not None else None
    asked = {"method": "GET" if body is None else "POST", "body": body, "request_timeout": 10}
    try:
        answer = await AsyncHTTPClient().fetch(url, headers=headers, raise_error=False, **asked)
        if answer.code >= 400:
            text = answer.body.decode(errors="replace")
            raise SignInRefused(f"{url} answered {answer.code}: {text}")
        found: dict[str, Any] = json.loads(answer.body)
        return found
    except (OSError, HTTPClientError, ValueError) as error:
        raise SignInRefused(f"{url} did not answer: {error}") from None
