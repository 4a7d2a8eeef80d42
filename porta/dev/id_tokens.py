"""ID token verification, as a relying party does it: by the issuer's keys (RFC 7517 §5)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers

from porta.security.jwt import InvalidJWT, verify
from porta.security.keyring import KeyRing
from porta.security.keys import Key

__all__ = ["InvalidJWT", "verified"]


def verified(
    token: str, jwks: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a valid ID token; `now` in seconds. Raises InvalidJWT.

    It knows ES256, the algorithm of a client that registered no other.
    """
    keys = {jwk["kid"]: _key(jwk) for jwk in jwks["keys"] if jwk["alg"] == "ES256"}
    ring = KeyRing({"keys": list(jwks["keys"])}, (), {}, keys)
    claims = verify(token, ring, typ="JWT", issuer=issuer, now=now, audience=client_id)
    if claims.get("nonce") != nonce:
        raise InvalidJWT("it answers another request")
    header: dict[str, Any] = json.loads(_decode(token.partition(".")[0]))
    return header, claims


def _key(jwk: dict[str, str]) -> Key:
    x, y = (int.from_bytes(_decode(jwk[name]), "big") for name in ("x", "y"))
    public = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    return Key(jwk["kid"], jwk["alg"], public, None, jwk)


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
