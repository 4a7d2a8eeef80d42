"""Bearer token: how it is presented to a protected resource (RFC 6750 §2)."""

from __future__ import annotations

import re
from collections.abc import Collection

from porta.protocol.errors import InvalidRequest, InvalidToken
from porta.protocol.requests.params import Params

MAX_TOKEN = 16_384
"""Characters: nothing of ours is longer."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def parse_bearer(
    authorization: str | None, form: Params | None = None, query_names: Collection[str] = ()
) -> str:
    """Return the one access token of a request, from the header or the form body (§2.1, §2.2).

    Raises InvalidRequest for a token in the query or for two at once, and InvalidToken for none or
    a malformed one; the latter's `message` is empty when no token was tried at all, or another
    scheme was, so that the challenge can stay without an error code (§3.1).
    """
    if "access_token" in query_names:
        raise InvalidRequest("an access token must not be in the query")
    posted = form.get("access_token") if form is not None else None
    sent = _header_token(authorization)
    if sent is not None and posted is not None:
        raise InvalidRequest("more than one access token")
    token = sent if sent is not None else posted
    if token is None:
        raise InvalidToken
    if len(token) > MAX_TOKEN or not _TOKEN.fullmatch(token):
        raise InvalidToken("the access token is malformed")
    return token


def is_askable(value: str) -> bool:
    """Whether `value` could be a token of ours at all; others never reach a store."""
    return len(value) <= MAX_TOKEN and value.isascii() and value.isprintable()


def _header_token(authorization: str | None) -> str | None:
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidToken  # RFC 6750 §3.1: no error code for a scheme that is not supported
    return token.strip(" ")
