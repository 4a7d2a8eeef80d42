"""Client secret of Sign in with Apple: a JWT that the client signs by itself (ES256)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from porta.security import jwt
from porta.security.keys import Key

_LIFE = 300
"""Seconds: each is made for one request."""


def find_key_problem(pem: str) -> str | None:
    """Return why `pem` is no key that Apple made, or None."""
    return None if _load(pem) is not None else "must be the private key that Apple made, as PEM"


def make_secret(
    pem: str, *, team_id: str, key_id: str, client_id: str, audience: str, now: float
) -> str:
    """Return a client secret for `audience`. Raises ValueError for what is no such key."""
    private = _load(pem)
    if private is None:
        raise ValueError("it is no private key of P-256")
    key = Key(key_id, "ES256", private.public_key(), private, {})
    issued = int(now)
    claims = {
        "iss": team_id,
        "iat": issued,
        "exp": issued + _LIFE,
        "aud": audience,
        "sub": client_id,
    }
    return jwt.sign(key, claims, "JWT")


def _load(pem: str) -> EllipticCurvePrivateKey | None:
    try:
        private = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        return None
    fits = isinstance(private, EllipticCurvePrivateKey) and isinstance(private.curve, SECP256R1)
    return private if isinstance(private, EllipticCurvePrivateKey) and fits else None
