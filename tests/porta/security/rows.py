"""Rows of signing_keys for tests: real key pairs, made once a run."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from porta.security.encryption import encrypt
from porta.security.keys import KeyPair, generate, seal
from storage.models.signing_keys import SigningKey

KEY = bytes.fromhex("5a" * 32)
KEYS = (KEY,)


def pair(algorithm: str = "ES256", number: int = 0) -> KeyPair:
    """The same pair for the same arguments, for finding RSA keys takes long."""
    return _pair(algorithm, number)


@cache
def _pair(algorithm: str, _: int) -> KeyPair:
    return generate(algorithm)


def row(
    algorithm: str = "ES256", number: int = 0, *, key: bytes = KEY, **changes: Any
) -> SigningKey:
    """A row of the global ring that is active since 1000, as it is stored today."""
    made = pair(algorithm, number)
    sealed = seal(_unsealed(algorithm, number, **changes), made.private_key, (key,))
    return msgspec.structs.replace(sealed, **changes)


def bound_row(number: int = 0, *, key: bytes = KEY, **changes: Any) -> SigningKey:
    """A row of ES256 as versions before the way back stored it, bound."""
    made = _unsealed("ES256", number, **changes)
    identity = msgspec.json.encode(["signing key", made.kid, made.algorithm, made.organization_id])
    encrypted = encrypt(pair("ES256", number).private_key, key, identity)
    sealed = {
        "private_key": f"bound:{encrypted.ciphertext}",
        "private_key_iv": encrypted.iv,
        "private_key_tag": encrypted.tag,
        "encrypted": True,
    }
    return msgspec.structs.replace(made, **(sealed | changes))


def unbound_row(
    algorithm: str = "ES256", number: int = 0, *, key: bytes = KEY, **changes: Any
) -> SigningKey:
    """A row as Porta 1.x encrypted it."""
    encrypted = encrypt(pair(algorithm, number).private_key, key)
    sealed = {
        "private_key": encrypted.ciphertext,
        "private_key_iv": encrypted.iv,
        "private_key_tag": encrypted.tag,
        "encrypted": True,
    }
    return _unsealed(algorithm, number, **(sealed | changes))


def plain_row(algorithm: str = "ES256", number: int = 0, **changes: Any) -> SigningKey:
    """A row as the Admin API of Porta 1.x wrote it: the private key in the clear."""
    plain = {"private_key": pair(algorithm, number).private_key}
    return _unsealed(algorithm, number, **(plain | changes))


def _unsealed(algorithm: str, number: int, **changes: Any) -> SigningKey:
    made = pair(algorithm, number)
    values: dict[str, Any] = {
        "id": made.kid,
        "kid": made.kid,
        "algorithm": algorithm,
        "public_key": made.public_key,
        "private_key": "",
        "activated_at": 1000.0,
        "created_at": 1000.0,
    }
    return SigningKey(**(values | changes))
