"""Secrets at rest: AES-256-GCM with ciphertext, IV and tag apart, each in hex (as Porta 1.x)."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

EncryptionKeys = tuple[bytes, ...]
"""Keys of 32 bytes each: the first encrypts, and whatever one of them encrypted is decrypted."""
_KEY_BYTES, _IV_BYTES, _TAG_BYTES = 32, 12, 16


class Encrypted(NamedTuple):
    """Lower-case hex: the ciphertext, its IV (24 digits) and its tag (32 digits)."""

    ciphertext: str
    iv: str
    tag: str


class DecryptionFailed(Exception):
    """Wrong key, damaged data or malformed hex; the message never says what was inside."""


def encrypt(plaintext: str, key: bytes, associated: bytes = b"") -> Encrypted:
    """Encrypt under `key` (32 bytes) with a fresh IV. Raises ValueError for any other length.

    `associated` is the associated data: without the very same, nothing is decrypted.
    """
    iv = secrets.token_bytes(_IV_BYTES)
    joined = _cipher(key).encrypt(iv, plaintext.encode(), associated)
    return Encrypted(joined[:-_TAG_BYTES].hex(), iv.hex(), joined[-_TAG_BYTES:].hex())


def decrypt(encrypted: Encrypted, key: bytes, associated: bytes = b"") -> str:
    """Return the plaintext of what was encrypted with the same `associated` data.

    Raises DecryptionFailed, or ValueError for a key that is not 32 bytes long.
    """
    cipher = _cipher(key)
    try:
        ciphertext, iv, tag = map(bytes.fromhex, encrypted)
    except ValueError:
        raise DecryptionFailed("ciphertext, IV or tag is not hex") from None
    # A shorter tag would be a weaker one: GCM libraries accept what they are given.
    if len(iv) != _IV_BYTES or len(tag) != _TAG_BYTES:
        raise DecryptionFailed("IV or tag has the wrong length")
    try:
        return cipher.decrypt(iv, ciphertext + tag, associated).decode()
    except (InvalidTag, UnicodeDecodeError):
        raise DecryptionFailed("the data does not belong to this key") from None


def _cipher(key: bytes) -> AESGCM:
    # AESGCM would take 16 and 24 bytes too, and write rows that nothing else can read.
    if len(key) != _KEY_BYTES:
        raise ValueError("an encryption key is 32 bytes, written as 64 hex digits")
    return AESGCM(key)
