"""Client assertion: a JWT by which a client says who it is, once (RFC 7523 §3, RFC 8725)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from porta.security import jwt
from porta.security.client_keys import ClientKeys
from porta.security.jwt import CLOCK_TOLERANCE, InvalidJWT

MAX_LIFE = 300.0
"""Seconds from `iat` to `exp`."""
MARK_LIFE = MAX_LIFE + 2 * CLOCK_TOLERANCE
"""Seconds for which a `jti` is remembered: longer than its assertion is taken."""
_LONGEST_JTI = 255


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that is right; whether it was seen before, storage knows."""

    client_id: str
    jti: str


def read_client_id(assertion: str) -> str:
    """Return the client_id that it claims (`iss`), unproven. Raises InvalidJWT."""
    issuer = jwt.read_unverified(assertion)[1].get("iss")
    if not isinstance(issuer, str):
        raise InvalidJWT("iss is missing")
    return issuer


def verify_assertion(
    assertion: str,
    keys: ClientKeys,
    *,
    client_id: str,
    audiences: Collection[str],
    types: Collection[str],
    now: float,
) -> Assertion:
    """Return an assertion that this client signed, for one of `audiences` and for nobody else.

    `types` are what `typ` may say (RFC 8725 §3.11). `now` is in seconds since the epoch. Raises
    InvalidJWT.
    """
    header, claims = jwt.read_unverified(assertion)
    audience = _one_audience(claims, audiences)
    typ = _typ(header, types)
    claims = jwt.verify(assertion, keys, typ=typ, issuer=client_id, audience=audience, now=now)
    if claims.get("sub") != client_id:
        raise InvalidJWT("sub is not the client")
    _check_life(claims, now)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        raise InvalidJWT(f"jti is no text of 1 to {_LONGEST_JTI} characters")
    return Assertion(client_id, jti)


def _one_audience(claims: dict[str, Any], audiences: Collection[str]) -> str:
    """A second audience could present it here in the client's place."""
    found = claims.get("aud")
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, str) or found not in audiences:
        raise InvalidJWT("aud is not this server alone")
    return found


def _typ(header: dict[str, Any], types: Collection[str]) -> str:
    found = header.get("typ", "JWT")
    typ = found.lower().removeprefix("application/") if isinstance(found, str) else ""
    for allowed in types:
        if typ == allowed.lower():
            return allowed
    raise InvalidJWT("token of another kind")


def _check_life(claims: dict[str, Any], now: float) -> None:
    """`jwt.verify` has seen to it that both are times, where they are there, and in force."""
    issued, expires = claims.get("iat"), claims["exp"]
    if issued is None:
        raise InvalidJWT("iat is missing")
    if expires - issued > MAX_LIFE or expires > now + MAX_LIFE + CLOCK_TOLERANCE:
        raise InvalidJWT(f"it may live for {MAX_LIFE:.0f} seconds at most")
