"""A relying party at work: a sign-in completed, and shown (OpenID Connect Core 1.0 §3.1)."""

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
from typing import Any
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.web import HTTPError

from porta.dev import pages

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


def challenge(verifier: str) -> str:
    """Return the S256 code challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())[:43].decode()


def take_pending(client: Demonstration, answer: Mapping[str, str], begun: list[str]) -> Pending:
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


async def complete(client: Demonstration, answer: Mapping[str, str], pending: Pending) -> str:
    """Return the page that shows what an answer is good for. Raises SignInRefused."""
    metadata = await metadata_of(client)
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


async def metadata_of(client: Demonstration) -> dict[str, Any]:
    """Return what the issuer tells of itself. Raises SignInRefused."""
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
