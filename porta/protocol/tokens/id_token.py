"""ID token: its claims (Core §2, §3.1.3.3)."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

_HASHES = {
    "ES256": hashlib.sha256,
    "RS256": hashlib.sha256,
    "PS256": hashlib.sha256,
    "ES384": hashlib.sha384,
    "RS384": hashlib.sha384,
    "PS384": hashlib.sha384,
    "ES512": hashlib.sha512,
    "RS512": hashlib.sha512,
    "PS512": hashlib.sha512,
    # Ed25519 hashes with SHA-512 itself; the Core errata take that for at_hash as well.
    "EdDSA": hashlib.sha512,
    "Ed25519": hashlib.sha512,
}


def build_id_token(
    *,
    issuer: str,
    subject: str,
    client_id: str,
    now: int,
    ttl: int,
    claims: Mapping[str, Any],
    nonce: str | None = None,
    auth_time: int | None = None,
    acr: str | None = None,
    amr: tuple[str, ...] = (),
    sid: str | None = None,
    at_hash: str | None = None,
) -> dict[str, Any]:
    """Return the claims of an ID token issued at `now` (epoch seconds) for `ttl` seconds.

    `claims` is what `claims.build_claims` released; what the protocol says wins over it. There is
    one audience, so there is no `azp`. Absent values leave their claim out.
    """
    optional = {
        "nonce": nonce,
        "auth_time": auth_time,
        "acr": acr,
        "amr": list(amr) or None,
        "sid": sid,
        "at_hash": at_hash,
    }
    return {
        **claims,
        "iss": issuer,
        "sub": subject,
        "aud": client_id,
        "iat": now,
        "exp": now + ttl,
        **{name: value for name, value in optional.items() if value is not None},
    }


def is_id_token(claims: Mapping[str, Any]) -> bool:
    """Tell whether `claims`, of a token of ours whose `typ` is `JWT`, are those of an ID token.

    The `typ` alone cannot tell (RFC 8725 §3.11): access tokens may bear it too. Each of those names
    its `client_id` and has a `jti` (RFC 9068 §2.2), names that no claim of a person may take.
    """
    return "jti" not in claims and "client_id" not in claims and isinstance(claims.get("aud"), str)


def build_at_hash(access_token: str, algorithm: str) -> str:
    """Return the left half of the token's hash by the ID token's `algorithm` (Core §3.1.3.6).

    Raises KeyError for an algorithm that no key of ours has.
    """
    digest = _HASHES[algorithm](access_token.encode("ascii")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
