"""A relying party that shows what it is given (OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 8252).

It is the native client of the seed: its redirect URI is on the loopback interface, at any port.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener
from urllib.request import Request as Outgoing

from porta.dev import client_pages, http, pages
from porta.dev.http import Answer, Request, page, redirect, text_answer

_COOKIE = "porta_demonstration"
_RESULT_COOKIE = "porta_demonstration_result"
_COOKIE_RULES = "Path=/; HttpOnly; SameSite=Lax"
_MOST_PENDING = 100
MOST_RESULTS = 20


@dataclass(frozen=True, slots=True)
class Registration:
    """The client it is: who issues its tokens, and what it may ask for."""

    issuer: str
    client_id: str
    scope: str


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that was begun."""

    verifier: str
    nonce: str


class Refused(Exception):
    """The sign-in cannot be completed; the message is for a person."""


@dataclass(slots=True)
class Demonstration:
    """The relying party of one run."""

    registration: Registration
    base: str = ""
    pending: OrderedDict[str, Pending] = field(default_factory=OrderedDict)
    results: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Pages that show what was learned, by what the browser's cookie says."""

    @property
    def redirect_uri(self) -> str:
        return f"{self.base}/callback"


async def start(registration: Registration, port: int = 0) -> tuple[str, asyncio.Server]:
    """Listen on the loopback interface; return the link that starts a sign-in, and the server."""
    client = Demonstration(registration)
    server = await http.serve(lambda request: _answer(client, request), port)
    client.base = f"http://127.0.0.1:{http.port_of(server)}"
    return f"{client.base}/sign-in", server


async def _answer(client: Demonstration, request: Request) -> Answer:
    try:
        match request.method, request.path:
            case "GET", "/":
                return page(client_pages.welcome(client.registration.issuer))
            case "GET", "/style.css":
                return pages.stylesheet()
            case "GET", "/sign-in":
                return await _begin(client)
            case "GET", "/callback":
                return _keep(client, await _complete(client, request))
            case "GET", "/result":
                return page(_result(client, request))
    except Refused as refusal:
        return page(client_pages.refused(str(refusal)), 400)
    return text_answer(404, "not found\n")


async def _begin(client: Demonstration) -> Answer:
    metadata = await _metadata(client)
    state, pending = secrets.token_urlsafe(24), Pending(*_random_pair())
    client.pending[state] = pending
    while len(client.pending) > _MOST_PENDING:
        client.pending.popitem(last=False)
    parameters = {
        "response_type": "code",
        "client_id": client.registration.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": client.registration.scope,
        "state": state,
        "nonce": pending.nonce,
        "code_challenge": challenge(pending.verifier),
        "code_challenge_method": "S256",
    }
    # RFC 9700 §4.7.1: the state belongs to this browser, so that no one can slip in another's code.
    cookie = f"{_COOKIE}={state}; {_COOKIE_RULES}"
    target = f"{metadata['authorization_endpoint']}?{urlencode(parameters)}"
    return redirect(target, {"Set-Cookie": cookie})


def _random_pair() -> tuple[str, str]:
    return secrets.token_urlsafe(48), secrets.token_urlsafe(24)


def challenge(verifier: str) -> str:
    """Return the S256 code challenge of a verifier (RFC 7636 §4.2)."""
    return encode(hashlib.sha256(verifier.encode()).digest())


def encode(raw: bytes) -> str:
    """Return base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def _complete(client: Demonstration, request: Request) -> str:
    """Return the page that shows what the answer is good for. Raises Refused."""
    pending = _check_response(client, request)
    if error := request.query.get("error"):
        raise Refused(f"{error}: {request.query.get('error_description', '')}")
    metadata = await _metadata(client)
    form = {
        "grant_type": "authorization_code",
        "client_id": client.registration.client_id,
        "code": request.query.get("code", ""),
        "redirect_uri": client.redirect_uri,
        "code_verifier": pending.verifier,
    }
    tokens = await _ask(metadata["token_endpoint"], form=form)
    keys = await _ask(metadata["jwks_uri"])
    header, claims = check_id_token(str(tokens["id_token"]), keys, client.registration, pending)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    userinfo = await _ask(metadata["userinfo_endpoint"], headers=bearer)
    if userinfo.get("sub") != claims["sub"]:  # OpenID Connect Core 1.0 §5.3.2
        raise Refused("The userinfo is about somebody else than the ID token.")
    return client_pages.signed_in(header, claims, tokens, userinfo, _logout(client, metadata))


def _keep(client: Demonstration, shown: str) -> Answer:
    """Keep a page for this browser alone, and send it there: it can be loaded again, a code not."""
    identifier = secrets.token_urlsafe(24)  # not the state, which others are told
    client.results[identifier] = shown
    while len(client.results) > MOST_RESULTS:
        client.results.popitem(last=False)
    return redirect("/result", {"Set-Cookie": f"{_RESULT_COOKIE}={identifier}; {_COOKIE_RULES}"})


def _result(client: Demonstration, request: Request) -> str:
    for identifier in _cookies(request, _RESULT_COOKIE):
        if identifier in client.results:
            return client.results[identifier]
    raise Refused("Nothing is kept here for this browser, or no longer.")


def _check_response(client: Demonstration, request: Request) -> Pending:
    state = request.query.get("state", "")
    begun = (each.encode() for each in _cookies(request, _COOKIE))
    own = any(hmac.compare_digest(each, state.encode()) for each in begun)
    pending = client.pending.pop(state, None) if own else None
    if pending is None:
        raise Refused("This answer belongs to no sign-in that was begun here. Begin again.")
    if request.query.get("iss") != client.registration.issuer:  # RFC 9207 §2.4
        raise Refused("The answer names another issuer than the one that was asked.")
    return pending


def _cookies(request: Request, name: str) -> list[str]:
    """Return the values of a cookie; there may be several, as ports of a host share its cookies."""
    parts = (part.strip() for part in request.headers.get("cookie", "").split(";"))
    return [part.removeprefix(f"{name}=") for part in parts if part.startswith(f"{name}=")]


def check_id_token(
    token: str, keys: Mapping[str, Any], registration: Registration, pending: Pending
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a valid ID token (OpenID Connect Core 1.0 §3.1.3.7).

    Raises Refused.
    """
    from porta.dev import id_tokens  # cryptography: only who signs in waits for it

    issuer, client_id = registration.issuer, registration.client_id
    try:
        header, claims = id_tokens.verified(
            token, keys, issuer=issuer, client_id=client_id, now=time.time()
        )
    except id_tokens.InvalidJWT as fault:
        raise Refused(f"The ID token is not valid: {fault}.") from None
    if claims.get("nonce") != pending.nonce:
        raise Refused("The ID token answers another request.")
    return header, claims


def _logout(client: Demonstration, metadata: Mapping[str, Any]) -> str:
    query = urlencode({"client_id": client.registration.client_id})
    return f"{metadata['end_session_endpoint']}?{query}"


async def _metadata(client: Demonstration) -> dict[str, Any]:
    return await _ask(f"{client.registration.issuer}/.well-known/openid-configuration")


async def _ask(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Fetch JSON from Porta, in a thread. Raises Refused."""
    data = urlencode(form).encode() if form is not None else None
    request = Outgoing(url, data=data, headers=dict(headers or {}))  # noqa: S310 - our own issuer
    return await asyncio.to_thread(_fetch, request)


def _fetch(request: Outgoing) -> dict[str, Any]:
    opener = build_opener(ProxyHandler({}))  # whatever proxy there is, it is not for loopback
    try:
        with opener.open(request, timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except HTTPError as error:
        with error:
            text = error.read().decode(errors="replace")
        raise Refused(f"{request.full_url} answered {error.code}: {text}") from None
    except (URLError, TimeoutError, ValueError) as error:
        raise Refused(f"{request.full_url} did not answer: {error}") from None
