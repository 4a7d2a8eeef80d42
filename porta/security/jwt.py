"""Signed tokens: the one door to python-jose and joserfc (RFC 7515, RFC 7519, RFC 8725)."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from jose import jwk as jose_jwk
from joserfc.jwk import OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from porta.security.keyring import KeyRing
from porta.security.keys import Key

MAX_TOKEN = 16_384
"""Characters; a longer token is refused before anything is decoded."""
CLOCK_TOLERANCE = 60.0
"""Seconds that the clock of another instance may be ahead of ours."""

_HASH = SHA256()
_ECDSA = ECDSA(_HASH)
_PKCS1 = PKCS1v15()
_PSS = PSS(MGF1(_HASH), _HASH.digest_size)  # RFC 7518 §3.5: the salt is as long as the hash.
_ENCODE = msgspec.json.Encoder().encode
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Verifiers(Protocol):
    """Keys to verify with, by `kid`: a key ring of ours, or what a client registered."""

    def verifier(self, kid: str) -> Key | None: ...

    def former_verifier(self, kid: str) -> Key | None: ...

    def fitting(self, kid: str | None, algorithm: str) -> tuple[Key, ...] | None:
        """Return the few keys that a token which names none of these may be signed with; None
        where every token has to name its own.
        """
        ...


class InvalidJWT(Exception):
    """A token that is not ours, not of this kind, or not valid now; the message says why."""


class UnknownKey(InvalidJWT):
    """A token of no key that the ring has; a ring that is read anew may have it."""


def sign(key: Key, claims: Mapping[str, Any], typ: str) -> str:
    """Return `claims` as a compact JWS of the key's algorithm, with `typ`, `alg` and `kid`.

    The key comes from `KeyRing.signer`. `typ` is `JWT` for an ID token, `at+jwt` for an access
    token (RFC 9068 §2.1).
    """
    header = key.headers.get(typ)
    if header is None:
        header = _b64(_ENCODE({"alg": key.algorithm, "typ": typ, "kid": key.kid})) + b"."
        key.headers[typ] = header
    signing_input = header + _b64(_ENCODE(claims))
    return (signing_input + b"." + _b64(_signature(key, signing_input))).decode()


def verify(
    token: str,
    ring: Verifiers,
    *,
    typ: str,
    issuer: str,
    now: float,
    audience: str | None = None,
    allow_expired: bool = False,
) -> dict[str, Any]:
    """Return the claims of a token that this ring has signed. Raises InvalidJWT.

    The algorithm is the one of our own key record, found by `kid`; what the header says of keys
    or URLs is ignored (RFC 8725 §3.1, §3.10). `now` is seconds since the epoch. `typ` must match,
    save that an ID token (`JWT`) may carry none. `audience`, if given, must be in `aud`.
    `allow_expired` is for `id_token_hint` (OpenID Connect Core §3.1.2.1); it takes the keys that
    have left the JWKS with it. A `kid` that the ring does not know raises UnknownKey, unless one
    of the keys that are `fitting` has signed it.
    """
    header_part, payload_part, signature_part = _split(token)
    header = _parse_object(header_part)
    keys = _get_keys(header, ring, allow_expired)
    _check_typ(header.get("typ"), typ)
    signing_input = token[: len(header_part) + 1 + len(payload_part)].encode()
    signature = _unb64(signature_part)
    if not any(_signature_matches(key, signing_input, signature) for key in keys):
        named = keys[0].kid == header.get("kid")
        raise (InvalidJWT if named else UnknownKey)("signature does not match")
    claims = _parse_object(payload_part)
    _check_claims(claims, issuer, audience)
    _check_times(claims, now, allow_expired)
    return claims


def read_own(token: str) -> dict[str, Any]:
    """Return the claims of a token whose digest a store of ours knows; nothing else is checked."""
    return _parse_object(_split(token)[1])


def read_unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of whatever somebody sent: it says whose keys are to be asked, and
    nothing else may rest on it. Raises InvalidJWT.
    """
    header, claims, _ = _split(token)
    return _parse_object(header), _parse_object(claims)


def was_revoked(token: str, ring: KeyRing) -> bool:
    """Tell whether the key that signed a token of ours was revoked; an opaque token has none.

    As `read_own`, for a token whose digest a store of ours knows.
    """
    header, dot, _ = token.partition(".")
    return bool(dot) and ring.has_revoked(_kid_of(header))


@lru_cache(maxsize=256)
def _kid_of(header: str) -> object:
    """Return the `kid` of a header of ours: there are as many as keys, and kinds of tokens."""
    return _parse_object(header).get("kid")


def _signature(key: Key, signing_input: bytes) -> bytes:
    private = key.private
    if isinstance(private, EllipticCurvePrivateKey):
        # RFC 7518 §3.4: R and S side by side, not the DER that the library gives.
        r, s = decode_dss_signature(private.sign(signing_input, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if isinstance(private, RSAPrivateKey):
        return private.sign(signing_input, _PSS if key.algorithm == "PS256" else _PKCS1, _HASH)
    if isinstance(private, Ed25519PrivateKey):
        return private.sign(signing_input)
    raise ValueError(f"signing key {key.kid} has no private half")


def _signature_matches(key: Key, signing_input: bytes, signature: bytes) -> bool:
    match key.algorithm:
        case "ES256" | "RS256":
            public: Any = key.public  # A key object is taken too, which its types do not tell.
            known = jose_jwk.construct(public, key.algorithm)
            return bool(known.verify(signing_input, signature))
        case "PS256":
            rsa = RSAKey.import_key(dict(key.jwk))
            return JWSRegistry.algorithms["PS256"].verify(signing_input, signature, rsa)
        case _:
            okp = OKPKey.import_key(dict(key.jwk))
            return JWSRegistry.algorithms["EdDSA"].verify(signing_input, signature, okp)


def _split(token: str) -> list[str]:
    if len(token) > MAX_TOKEN:
        raise InvalidJWT("token is too long")
    parts = token.split(".")
    if len(parts) != 3:  # Five would be a JWE, which is never decrypted.
        raise InvalidJWT("not a compact JWS")
    if not all(_SEGMENT.fullmatch(part) for part in parts):
        raise InvalidJWT("not base64url")
    return parts


def _get_keys(header: dict[str, Any], ring: Verifiers, allow_former: bool) -> tuple[Key, ...]:
    # RFC 7515 §4.1.11: no extension is understood here, so none may be critical.
    if "crit" in header or "b64" in header:
        raise InvalidJWT("critical or unencoded extensions are not supported")
    kid, algorithm = header.get("kid"), header.get("alg")
    if "kid" not in header:
        fit = ring.fitting(None, str(algorithm))
        if fit is None:
            raise InvalidJWT("kid is missing")
        return _some(fit)
    if not isinstance(kid, str):
        raise InvalidJWT("kid is not a string")
    key = ring.verifier(kid)
    if key is None and allow_former:
        key = ring.former_verifier(kid)
    if key is None:
        return _some(ring.fitting(kid, str(algorithm)))
    if algorithm != key.algorithm:
        raise InvalidJWT("alg is not the algorithm of this key")
    return (key,)


def _some(fit: tuple[Key, ...] | None) -> tuple[Key, ...]:
    if not fit:
        raise UnknownKey("unknown kid")
    return fit


def _check_typ(found: object, expected: str) -> None:
    if found is None and expected == "JWT":
        return
    # RFC 7515 §4.1.9: compared without case, "application/" may be left out.
    if not isinstance(found, str) or found.lower().removeprefix("application/") != expected.lower():
        raise InvalidJWT("token of another kind")


def _check_claims(claims: dict[str, Any], issuer: str, audience: str | None) -> None:
    if claims.get("iss") != issuer:
        raise InvalidJWT("iss is another issuer")
    if audience is None:
        return
    found = claims.get("aud")
    if found != audience and not (isinstance(found, list) and audience in found):
        raise InvalidJWT("aud does not name this audience")


def _check_times(claims: dict[str, Any], now: float, allow_expired: bool) -> None:
    if _time(claims, "exp", required=True) <= now and not allow_expired:
        raise InvalidJWT("token has expired")
    if max(_time(claims, "nbf"), _time(claims, "iat")) > now + CLOCK_TOLERANCE:
        raise InvalidJWT("token is not valid yet")


def _time(claims: dict[str, Any], name: str, *, required: bool = False) -> float:
    value = claims.get(name)
    if value is None and not required:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidJWT(f"{name} is not a time")
    return value


def _parse_object(part: str) -> dict[str, Any]:
    try:
        value = _JSON.decode(_unb64(part).decode())
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidJWT("not a JSON object with unique names")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):  # RFC 7515 §4, RFC 7519 §4: readers disagree on which one wins.
        raise ValueError("duplicate name")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _b64(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _unb64(part: str) -> bytes:
    """Decode unpadded base64url (RFC 7515 §2), in its one canonical spelling only."""
    if len(part) % 4 == 1:
        raise InvalidJWT("not base64url")
    raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if _b64(raw) != part.encode():
        raise InvalidJWT("not base64url")
    return raw
