"""Signing keys that Porta 1.x made through its Admin API: in the clear, until somebody vouches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit import events
from porta.errors import Conflict, NotFound
from porta.security.encryption import EncryptionKeys
from porta.security.keys import load_private, seal
from storage.models.signing_keys import SigningKey

if TYPE_CHECKING:
    from storage.router import Storage


async def adopt(storage: Storage, encryption_keys: EncryptionKeys, kid: str) -> SigningKey:
    """Encrypt a key that stands in the clear, in the form that 1.x reads as well, and return it.

    Nothing but a person who knows can tell such a key from one that somebody planted. Raises
    NotFound for an unknown `kid`, Conflict for a key that is no such one, and KeyUnusable where its
    halves do not belong together.
    """
    async with storage.transaction() as tx:
        await tx.signing_keys.lock()
        row = next((each for each in await tx.signing_keys.list() if each.kid == kid), None)
        if row is None:
            raise NotFound(f"No signing key has the kid {kid!r}; porta keys list shows them.")
        if row.encrypted or not row.is_shared or row.status == "revoked":
            raise Conflict(f"Signing key {kid} is none that Porta 1.x left in the clear.")
        sealed = seal(row, row.private_key, encryption_keys)
        load_private(sealed, encryption_keys)
        await tx.signing_keys.replace(sealed)
        await events.record(tx, "key.adopted", metadata={"kid": kid})
    return sealed
