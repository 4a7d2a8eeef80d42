"""Sign-in of a person: authorization code with PKCE at a loopback redirect (RFC 8252, RFC 7636)."""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from porta.admin_client.errors import SignInFailed
from porta.admin_client.http import Http, check_address
from porta.admin_client.tokens import Tokens, ask
from porta.admin_client.transport import BASE

SCOPE = "openid profile email offline_access"
_DISCOVERY = "/.well-known/openid-configuration"
T = TypeVar("T")


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    issuer: str
    client_id: str | None = None


class Issuer(msgspec.Struct, frozen=True):
    """What the administrators' issuer says of itself (OpenID Connect Discovery §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str | None = None
    revocation_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where administrators of a server sign in, and with which client."""

    server: str
    issuer: Issuer
    client_id: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in that waits for its answer."""

    url: str
    """Where the person goes."""
    redirect_uri: str
    state: str
    verifier: str


async def find_entrance(http: Http, server: str, client_id: str | None = None) -> Entrance:
    """Ask a server where its administrators sign in. Raises SignInFailed, NoAnswer.

    `client_id` is that of another public client than the one that `porta init` made.
    """
    server = server.rstrip("/")
    told = await _read(http, f"{server}{BASE}/metadata", _Metadata)
    issuer = await _read(http, f"{told.issuer}{_DISCOVERY}", Issuer)
    if issuer.issuer != told.issuer:  # OpenID Connect Discovery §4.3
        raise SignInFailed(f"{told.issuer} calls itself {issuer.issuer}")
    for address in (issuer.authorization_endpoint, issuer.token_endpoint):
        check_address(address)
    client_id = client_id or told.client_id
    if client_id is None:
        raise SignInFailed(f"{server} has no client for administrators: make one with porta init")
    return Entrance(server, issuer, client_id)


async def _read(http: Http, url: str, kind: type[T]) -> T:
    answer = await http.send("GET", url, {"Accept": "application/json"})
    if answer.status == 503:
        raise SignInFailed(f"{url} answered 503: is the installation made? (porta init)")
    try:
        if answer.status != 200:
            raise SignInFailed(f"{url} answered {answer.status}: is this the address of a server?")
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.MsgspecError:
        raise SignInFailed(f"{url} is not what a server of ours answers") from None


def begin(entrance: Entrance, redirect_uri: str, *, prompt: str | None = None) -> Attempt:
    """Return an attempt to sign in, whose answer will come to `redirect_uri`."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    parameters = {
        "response_type": "code",
        "client_id": entrance.client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"prompt": prompt} if prompt else {}),
    }
    url = f"{entrance.issuer.authorization_endpoint}?{urlencode(parameters)}"
    return Attempt(url, redirect_uri, state, verifier)


async def redeem(
    http: Http, entrance: Entrance, attempt: Attempt, answer: Mapping[str, str]
) -> Tokens:
    """Return the tokens for what the issuer answered. Raises SignInFailed, NoAnswer."""
    if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
        raise SignInFailed("The answer is not of this attempt to sign in")
    _check_issuer(entrance.issuer, answer)
    if "error" in answer:
        said = answer.get("error_description") or answer["error"]
        raise SignInFailed(f"The sign-in was refused: {said}", answer["error"])
    if not answer.get("code"):
        raise SignInFailed("The answer has no code")
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": attempt.redirect_uri,
        "client_id": entrance.client_id,
        "code_verifier": attempt.verifier,
    }
    return await ask(http, entrance.issuer.token_endpoint, form)


def _check_issuer(issuer: Issuer, answer: Mapping[str, str]) -> None:
    """RFC 9207 §2.4: an answer of somebody else's is not redeemed."""
    if "iss" not in answer and not issuer.authorization_response_iss_parameter_supported:
        return
    if answer.get("iss") != issuer.issuer:
        raise SignInFailed("The answer is another issuer's")
