"""Client keys: a JWK Set by value, of public keys that verify what a client signs (RFC 7517)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from porta.security.keys import ALGORITHMS, RSA_BITS, Key, PublicKey

MOST_KEYS = 10
_MOST_RSA_BITS = 4096
_MOST_EXPONENT_BITS = 32
"""One as long as the modulus makes a verification a hundred times as dear."""
_LONGEST_KID = 255
_MEMBER = re.compile(r"[A-Za-z0-9_-]{1,1024}")
"""base64url, without padding."""
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_BY_TYPE = {"EC": ("ES256",), "RSA": ("RS256", "PS256"), "OKP": ("EdDSA",)}
"""Algorithms by `kty`; the first is that of a key which names none."""
_MEMBERS = {"EC": ("crv", "x", "y"), "RSA": ("n", "e"), "OKP": ("crv", "x")}


class KeySetInvalid(Exception):
    """No JWK Set that can be registered; the message says why, and never holds key material."""


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """The keys of a client, by `kid`: what `jwt.verify` asks for them."""

    keys: Mapping[str, Key]

    def verifier(self, kid: str) -> Key | None:
        return self.keys.get(kid)

    def former_verifier(self, kid: str) -> Key | None:
        """None: a key that is registered no more verifies nothing."""
        del kid
        return None

    def fitting(self, kid: str | None, algorithm: str) -> tuple[Key, ...] | None:
        """None: a client names the key that it signs with."""
        del kid, algorithm
        return None

    def as_jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return them as they are stored: what is known of each, and nothing else."""
        return {"keys": [dict(key.jwk) for key in self.keys.values()]}


def parse_jwks(value: object) -> ClientKeys:
    """Return the keys of a JWK Set: public, for signatures, each of one of ALGORITHMS and with a
    `kid` of its own. Raises KeySetInvalid.
    """
    listed = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= MOST_KEYS:
        raise KeySetInvalid(f"must be a JWK Set of 1 to {MOST_KEYS} keys")
    found: dict[str, Key] = {}
    for jwk in listed:
        key = _parse_key(jwk)
        if key.kid in found:
            raise KeySetInvalid("each key needs a kid of its own")
        found[key.kid] = key
    return ClientKeys(found)


def _parse_key(jwk: object) -> Key:
    kty = jwk.get("kty") if isinstance(jwk, Mapping) else None
    if not isinstance(jwk, Mapping) or not isinstance(kty, str) or kty not in _BY_TYPE:
        raise KeySetInvalid("each key must be of kty EC, RSA or OKP")
    if _PRIVATE & jwk.keys():
        raise KeySetInvalid("holds a private key; register public keys alone, and make a new one")
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not 1 <= len(kid) <= _LONGEST_KID or not kid.isprintable():
        raise KeySetInvalid("each key needs a kid")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list | tuple):
        raise KeySetInvalid("each key must be for signatures")
    if "verify" not in operations:
        raise KeySetInvalid("each key must be for verifying")
    algorithm = jwk.get("alg", _BY_TYPE[kty][0])
    if algorithm not in _BY_TYPE[kty]:
        raise KeySetInvalid(f"alg must be one of: {', '.join(ALGORITHMS)}, and fit the kty")
    known = {"kty": kty, "kid": kid, "use": "sig", "alg": str(algorithm)} | _members(jwk, kty)
    return Key(kid, str(algorithm), _public(known), None, known)


def _members(jwk: Mapping[Any, Any], kty: str) -> dict[str, str]:
    members = {name: jwk.get(name) for name in _MEMBERS[kty]}
    curve = members.get("crv", "P-256")
    for value in members.values():
        if not isinstance(value, str) or not _MEMBER.fullmatch(value):
            raise KeySetInvalid(f"a key of kty {kty} has: {', '.join(members)}")
    if curve not in ("P-256", "Ed25519"):
        raise KeySetInvalid("the curve must be P-256 or Ed25519")
    return {name: str(value) for name, value in members.items()}


def _public(jwk: Mapping[str, str]) -> PublicKey:
    """Return the key object. Raises KeySetInvalid for a point off its curve, a weak modulus ..."""
    try:
        if jwk["kty"] == "RSA":
            return _rsa(_number(jwk["n"]), _number(jwk["e"]))
        if jwk["kty"] == "OKP":
            return Ed25519PublicKey.from_public_bytes(_bytes(jwk["x"]))
        x, y = _number(jwk["x"]), _number(jwk["y"])
        return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    except ValueError:
        raise KeySetInvalid("a key is none: its numbers do not fit together") from None


def _rsa(modulus: int, exponent: int) -> PublicKey:
    if not RSA_BITS <= modulus.bit_length() <= _MOST_RSA_BITS:
        raise KeySetInvalid(f"an RSA key has {RSA_BITS} to {_MOST_RSA_BITS} bits")
    if exponent.bit_length() > _MOST_EXPONENT_BITS:
        raise KeySetInvalid(f"the exponent of an RSA key has {_MOST_EXPONENT_BITS} bits at most")
    return RSAPublicNumbers(exponent, modulus).public_key()


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text), "big")


def _bytes(text: str) -> bytes:
    """Decode base64url. Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def load_jwks(stored: Mapping[str, Any] | None) -> ClientKeys:
    """Return the keys that a client has registered; none where it has none."""
    return parse_jwks(stored) if stored is not None else ClientKeys({})
