"""Access tokens of the caller: a given one, or those of a machine (RFC 6749 §4.4)."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from typing import Protocol
from urllib.parse import quote_plus, urlencode

import msgspec

from porta.admin_client.errors import SignInFailed
from porta.admin_client.http import Http

EARLY_SECONDS = 60.0
"""So long before its end a token is not sent any more."""


class Tokens(msgspec.Struct, frozen=True):
    """What a token endpoint gives (RFC 6749 §5.1)."""

    access_token: str
    expires_in: float = 0
    refresh_token: str | None = None


class _Error(msgspec.Struct, frozen=True):
    error: str
    error_description: str = ""


class TokenSource(Protocol):
    """Where the token of a request comes from."""

    async def token(self, http: Http) -> str:
        """Return a token. Raises NotSignedIn, SignInFailed, NoAnswer."""
        ...

    async def renew(self, http: Http, refused: str) -> bool:
        """Whether there is another token now than the one that was refused."""
        ...


class BearerToken:
    """One token, and no other."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self, http: Http) -> str:
        """Return it."""
        del http
        return self._token

    async def renew(self, http: Http, refused: str) -> bool:
        """There is no other."""
        del http, refused
        return False


class MachineTokens:
    """Tokens of a program that administers for itself: client credentials."""

    def __init__(self, token_endpoint: str, client_id: str, client_secret: str) -> None:
        """`token_endpoint` is that of the administrators' issuer: `{issuer}/token`."""
        self._endpoint = token_endpoint
        self._client_id, self._secret = client_id, client_secret
        self._held: tuple[str, float] | None = None
        self._lock = asyncio.Lock()

    async def token(self, http: Http) -> str:
        """Return a token; several who ask at once share one. Raises SignInFailed, NoAnswer."""
        async with self._lock:
            if self._held is None or self._held[1] <= time.monotonic():
                asked = time.monotonic()
                tokens = await self._ask(http)
                # Of a short life half is used, so that it is not asked for each request.
                lasts = max(tokens.expires_in - EARLY_SECONDS, tokens.expires_in / 2)
                self._held = tokens.access_token, asked + lasts
            return self._held[0]

    async def renew(self, http: Http, refused: str) -> bool:
        """Ask for another one."""
        if self._held is not None and self._held[0] == refused:
            self._held = None
        return await self.token(http) != refused

    async def _ask(self, http: Http) -> Tokens:
        # RFC 6749 §2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(self._client_id)}:{quote_plus(self._secret)}"
        basic = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        return await ask(http, self._endpoint, {"grant_type": "client_credentials"}, basic)


async def ask(
    http: Http, endpoint: str, form: dict[str, str], headers: dict[str, str] | None = None
) -> Tokens:
    """Return what a token endpoint gives for `form`. Raises SignInFailed, NoAnswer."""
    answer = await http.send(
        "POST",
        endpoint,
        {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            **(headers or {}),
        },
        urlencode(form).encode(),
    )
    try:
        if answer.status == 200:
            return msgspec.json.decode(answer.content, type=Tokens)
        error = msgspec.json.decode(answer.content, type=_Error)
    except msgspec.MsgspecError:
        raise SignInFailed(f"The token endpoint answered {answer.status}, and no token") from None
    said = f"{error.error}: {error.error_description}" if error.error_description else error.error
    raise SignInFailed(f"The token endpoint refused: {said}", error.error)


async def revoke(http: Http, endpoint: str, client_id: str, token: str) -> bool:
    """Revoke a token of a public client (RFC 7009 §2.1). Raises NoAnswer."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    form = urlencode({"token": token, "client_id": client_id})
    return (await http.send("POST", endpoint, headers, form.encode())).status == 200
