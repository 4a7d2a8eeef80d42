"""Opaque values and what is derived from them: random tokens, digests, seals (RFC 5869)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_BYTES = 32
_WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def new_value() -> str:
    """Return 256 random bits as 43 characters of base64url."""
    return secrets.token_urlsafe(_BYTES)


def well_formed(value: str) -> bool:
    """Whether `value` could have come from `new_value`; what could not never reaches a store."""
    return _WELL_FORMED.fullmatch(value) is not None


def equal(left: str, right: str) -> bool:
    """Compare in time that does not depend on where the two differ."""
    return hmac.compare_digest(_bytes(left), _bytes(right))


def sha256_hex(value: str) -> str:
    """Return the SHA-256 of `value` as 64 lower-case hex digits."""
    return hashlib.sha256(_bytes(value)).hexdigest()


def successor(value: str, key: str) -> str:
    """Return the refresh token that follows `value` under a cookie key: 43 characters of base64url.

    It is computed, never stored, so that a refresh token presented twice within the grace is
    answered twice with the same successor.
    """
    return _mac(key, "refresh token successor", value)


def sign_value(keys: Sequence[str], purpose: str, text: str) -> str:
    """Return a seal (43 characters of base64url) that binds `text` to `purpose` and to our keys."""
    return _mac(keys[0], f"seal {purpose}", text)


def verify_value(keys: Sequence[str], purpose: str, text: str, sealed: str) -> bool:
    """Whether `sealed` is the seal of `text` for `purpose` under any of `keys`."""
    # No short cut: the time does not tell which key it was.
    matches = [equal(_mac(key, f"seal {purpose}", text), sealed) for key in keys]
    return any(matches)


def derive(key: str, label: str) -> bytes:
    """Return the 32 bytes that a cookie key is for `label`, and for nothing else (RFC 5869)."""
    kdf = HKDF(algorithm=SHA256(), length=_BYTES, salt=None, info=f"porta {label}".encode())
    return kdf.derive(_bytes(key))


def _mac(key: str, label: str, text: str) -> str:
    mac = _keyed(key, label).copy()
    mac.update(_bytes(text))
    return urlsafe_b64encode(mac.digest()).decode()[:43]


@lru_cache(maxsize=1024)  # a seal has a purpose for each organization
def _keyed(key: str, label: str) -> hmac.HMAC:
    return hmac.new(derive(key, label), digestmod=hashlib.sha256)


def _bytes(text: str) -> bytes:
    # A lone surrogate cannot be encoded otherwise; it must compare unequal, not raise.
    return text.encode("utf-8", "surrogatepass")
