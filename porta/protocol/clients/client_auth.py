"""Client authentication: what a request presents, and whether it holds (RFC 6749 §2.3)."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from porta.protocol.errors import InvalidClient, InvalidRequest
from porta.protocol.requests.params import Params, decode_field, has_control_characters
from storage.models.clients import Client, ClientSecret

MAX_HEADER = 4096
MAX_SECRET = 1024
_NO_SECRETS = (ClientSecret("0" * 64, expires_at=float("-inf")),)
_FAILED = "client authentication failed"
_IN_QUERY = ("client_secret", "client_assertion")
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+={0,2})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a request says it comes from, by which method, with which secret."""

    client_id: str
    method: str
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(client_id={self.client_id!r}, method={self.method!r})"


def read_basic(form: Params, authorization: str | None) -> Credentials | None:
    """`client_secret_basic`: both halves form-encoded, then Base64 (RFC 6749 §2.3.1)."""
    if authorization is None:
        return None
    match = _BASIC.fullmatch(authorization.strip(" "))
    if match is None or len(authorization) > MAX_HEADER:
        raise InvalidClient(_FAILED, reason="malformed_header")
    name, _, secret = _decode_base64(match[1]).partition(b":")
    if not (name and secret):
        raise InvalidClient(_FAILED, reason="malformed_header")
    credentials = Credentials(_form_decode(name), "client_secret_basic", _form_decode(secret))
    if form.get("client_id") not in (None, credentials.client_id):
        raise InvalidRequest("client_id differs from the Authorization header")
    return credentials


def read_post(form: Params, authorization: str | None) -> Credentials | None:
    """`client_secret_post`: both in the body (RFC 6749 §2.3.1)."""
    secret = form.get("client_secret")
    if secret is None:
        return None
    return Credentials(form.required("client_id"), "client_secret_post", secret)


class WrongSecret(InvalidClient):
    """A secret that never was this client's: the one failure that may have been a guess."""


METHODS: dict[str, Callable[[Params, str | None], Credentials | None]] = {
    "client_secret_basic": read_basic,
    "client_secret_post": read_post,
}
"""The methods that prove something; `none` is their absence."""


def parse_credentials(
    form: Params, authorization: str | None, query_names: Collection[str] = ()
) -> Credentials:
    """Return what the request presents.

    Raises InvalidRequest for two methods at once and for a secret in the query, InvalidClient for
    nothing, for a method unknown here and for a header that cannot be read.
    """
    if any(name in query_names for name in _IN_QUERY):
        raise InvalidRequest("client credentials must not be in the query")
    asserts = "client_assertion" in form or "client_assertion_type" in form
    if sum((authorization is not None, "client_secret" in form, asserts)) > 1:
        raise InvalidRequest("more than one client authentication method")
    if asserts:
        raise InvalidClient(_FAILED, reason="unsupported_method")
    for read in METHODS.values():
        credentials = read(form, authorization)
        if credentials is not None:
            return credentials
    client_id = form.get("client_id")
    if client_id is None:
        raise InvalidClient("no client authentication", reason="no_client_id")
    return Credentials(client_id, "none")


def registered_method(client: Client) -> str:
    """Return the method `client` registered; a public client's is `none`, whatever is stored."""
    return "none" if client.client_type == "public" else client.token_endpoint_auth_method


def check_credentials(client: Client | None, credentials: Credentials, now: float) -> None:
    """Check `credentials` for `client`, found by their client_id, at `now` (epoch seconds).

    The two methods of METHODS carry one and the same secret, and stand for each other unless the
    client forbids it (`strict_auth_method`). A confidential client registered for another one, or
    for `none`, cannot authenticate at all.

    Raises InvalidClient, with one message for everything that can be wrong and a `reason` for the
    log: no such client or one that is not active, no secret, one that has expired; and WrongSecret
    for one that never was the client's, which alone may have been a guess.
    """
    match = match_secret(client, credentials.secret, now)
    if credentials.secret is not None and not match.known:
        raise WrongSecret(_FAILED, reason="unknown_client" if client is None else "wrong_secret")
    if client is None:
        raise InvalidClient(_FAILED, reason="unknown_client")
    if not client.active:
        raise InvalidClient(_FAILED, reason="inactive_client")
    method = registered_method(client)
    if credentials.method == "none":
        if method != "none" or client.client_type != "public":
            raise InvalidClient(_FAILED, reason="no_secret")
    elif credentials.method not in _methods(client):
        raise InvalidClient(_FAILED, reason="wrong_method")
    elif not match.alive:
        raise InvalidClient(_FAILED, reason="expired_secret")


def _methods(client: Client) -> Collection[str]:
    """Return the methods by which `client` may present its secret."""
    registered = registered_method(client)
    if registered not in METHODS:
        return ()
    return (registered,) if client.metadata.get("strict_auth_method") is True else METHODS


class SecretMatch(NamedTuple):
    """Whether a secret is or was the client's, and whether it is one that it may use now."""

    known: bool
    alive: bool


def match_secret(client: Client | None, presented: str | None, now: float) -> SecretMatch:
    """Compare `presented` with the client's secrets at `now` (epoch seconds).

    Its SHA-256 is compared with every one of them in constant time; an unknown client costs a
    comparison as well. What is stored is never a secret: it would be hashed again.
    """
    if presented is None or not 0 < len(presented) <= MAX_SECRET:
        return SecretMatch(known=False, alive=False)
    digest = hashlib.sha256(presented.encode("utf-8", "surrogatepass")).hexdigest().encode()
    known = alive = False
    for secret in client.secrets if client is not None else _NO_SECRETS:
        same = hmac.compare_digest(digest, secret.sha256.encode())
        known |= same
        alive |= same and (secret.expires_at is None or secret.expires_at > now)
    return SecretMatch(known, alive)


def _decode_base64(text: str) -> bytes:
    try:
        decoded = b64decode(text, validate=True)
    except binascii.Error:
        raise InvalidClient(_FAILED, reason="malformed_header") from None
    # One spelling only: the standard library overlooks surplus padding and stray last bits.
    if b64encode(decoded).decode() != text:
        raise InvalidClient(_FAILED, reason="malformed_header")
    return decoded


def _form_decode(text: bytes) -> str:
    try:
        decoded = decode_field(text)
    except InvalidRequest:
        raise InvalidClient(_FAILED, reason="malformed_header") from None
    if has_control_characters(decoded):
        raise InvalidClient(_FAILED, reason="malformed_header")
    return decoded
