"""Client secrets of connections at rest: encrypted for one connection, and good for no other."""

from __future__ import annotations

from contextlib import suppress

from porta.security.encryption import (
    DecryptionFailed,
    Encrypted,
    EncryptionKeys,
    decrypt,
    encrypt,
)


def seal_secret(secret: str, connection_id: str, keys: EncryptionKeys) -> str:
    """Return `secret` as it is stored, encrypted under the first of `keys`."""
    return ".".join(encrypt(secret, keys[0], _associated(connection_id)))


def open_secret(sealed: str, connection_id: str, keys: EncryptionKeys) -> str | None:
    """Return the secret; None where none of `keys` encrypted it for this connection."""
    parts = sealed.split(".")
    if len(parts) != 3:
        return None
    for key in keys:
        with suppress(DecryptionFailed):
            return decrypt(Encrypted(*parts), key, _associated(connection_id))
    return None


def _associated(connection_id: str) -> bytes:
    return f"client secret of connection {connection_id}".encode()
