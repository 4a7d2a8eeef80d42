"""Rows of signing_keys for tests: real key pairs, made once a run."""

from __future__ import annotations

from functools import cache
from typing import Any

from porta.security.encryption import encrypt
from porta.security.keys import KeyPair, generate
from storage.models.signing_keys import SigningKey

KEY = bytes.fromhex("5a" * 32)


def pair(algorithm: str = "ES256", number: int = 0) -> KeyPair:
    """The same pair for the same arguments, for finding RSA keys takes long."""
    return _pair(algorithm, number)


@cache
def _pair(algorithm: str, _: int) -> KeyPair:
    return generate(algorithm)


def row(
    algorithm: str = "ES256", number: int = 0, *, key: bytes = KEY, **changes: Any
) -> SigningKey:
    """An encrypted row of the global ring that is active since 1000."""
    made = pair(algorithm, number)
    encrypted = encrypt(made.private_key, key)
    values: dict[str, Any] = {
        "id": made.kid,
        "kid": made.kid,
        "algorithm": algorithm,
        "public_key": made.public_key,
        "private_key": encrypted.ciphertext,
        "private_key_iv": encrypted.iv,
        "private_key_tag": encrypted.tag,
        "encrypted": True,
        "activated_at": 1000.0,
        "created_at": 1000.0,
    }
    return SigningKey(**(values | changes))


def plain_row(algorithm: str = "ES256", number: int = 0, **changes: Any) -> SigningKey:
    """A row as the Admin API of Porta 1.x wrote it: the private key in the clear."""
    made = pair(algorithm, number)
    plain = {"private_key": made.private_key, "private_key_iv": None, "private_key_tag": None}
    return row(algorithm, number, **(plain | {"encrypted": False} | changes))
