"""Sealed boxes: data that travels through a browser, AES-256-GCM (RFC 5116, RFC 5869)."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from porta.security import opaque

_NONCE_BYTES = 12


def close(keys: Sequence[str], purpose: str, data: bytes) -> str:
    """Return `data` encrypted for `purpose` under the first of our keys, as base64url."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = _cipher(keys[0], purpose).encrypt(nonce, data, None)
    return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")


def unlock(keys: Sequence[str], purpose: str, box: str) -> bytes | None:
    """Return what is in a box that was closed for `purpose` under any of `keys`; None otherwise."""
    try:
        raw = urlsafe_b64decode(box.encode("ascii") + b"=" * (-len(box) % 4))
    except ValueError:
        return None
    for key in keys:
        try:
            return _cipher(key, purpose).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError):
            continue
    return None


@lru_cache(maxsize=64)
def _cipher(key: str, purpose: str) -> AESGCM:
    return AESGCM(opaque.derive(key, f"box {purpose}"))
