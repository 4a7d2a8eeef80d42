"""Passkeys: found by their credential id within an organization, used, named, removed."""

from __future__ import annotations

from typing import Any

from storage.models.passkeys import NewPasskey, Passkey
from storage.postgres.statement import Executor, Row

MOST = 20
"""Passkeys that a person may have."""

_SECONDS = "EXTRACT(EPOCH FROM p.{0})::float8"
_COLUMNS = f"""
    p.id::text, p.organization_id::text, p.user_id::text, h.handle, p.credential_id, p.public_key,
    p.name, p.sign_count, p.transports, p.backup_eligible, p.backed_up, p.aaguid::text,
    p.attestation_format, {_SECONDS.format("created_at")}, {_SECONDS.format("last_used_at")},
    {_SECONDS.format("removed_at")}, p.version
"""
_FROM = "FROM passkeys p JOIN passkey_users h ON h.user_id = p.user_id"
_OURS = "p.organization_id = %(organization_id)s"
_FIND = f"SELECT {_COLUMNS} {_FROM} WHERE {_OURS} AND p.credential_id = %(credential_id)s"
_LIST = f"""
    SELECT {_COLUMNS} {_FROM}
    WHERE {_OURS} AND p.user_id = %(user_id)s AND p.removed_at IS NULL
    ORDER BY p.created_at, p.id
"""
_HANDLE = """
    WITH made AS (
        INSERT INTO passkey_users (user_id, organization_id, handle)
        SELECT u.id, u.organization_id, %(handle)s FROM users u
        WHERE u.id = %(user_id)s AND u.organization_id = %(organization_id)s
        ON CONFLICT (user_id) DO NOTHING RETURNING handle
    )
    SELECT handle FROM made UNION ALL
    SELECT handle FROM passkey_users
    WHERE user_id = %(user_id)s AND organization_id = %(organization_id)s
"""
_FIND_HANDLE = """
    SELECT handle FROM passkey_users
    WHERE user_id = %(user_id)s AND organization_id = %(organization_id)s
"""
# Of two who add at once, the second counts what the first has added.
_HOLD = """
    SELECT FROM users WHERE id = %(user_id)s AND organization_id = %(organization_id)s
    FOR NO KEY UPDATE
"""
_ADD = """
    INSERT INTO passkeys (organization_id, user_id, credential_id, public_key, name, sign_count,
        transports, backup_eligible, backed_up, aaguid, attestation_format, attestation)
    SELECT h.organization_id, h.user_id, %(credential_id)s, %(public_key)s, %(name)s,
        %(sign_count)s, %(transports)s::text[], %(backup_eligible)s, %(backed_up)s, %(aaguid)s,
        %(attestation_format)s, %(attestation)s
    FROM passkey_users h
    WHERE h.user_id = %(user_id)s AND h.organization_id = %(organization_id)s AND (
        SELECT count(*) FROM passkeys p WHERE p.user_id = h.user_id AND p.removed_at IS NULL
    ) < %(most)s
    ON CONFLICT (organization_id, credential_id) DO NOTHING
    RETURNING id::text
"""
# Whoever comes second waits for the row, and finds the counter where the first one left it
# (WebAuthn §6.1.1): both zero, or higher than before.
_USE = """
    UPDATE passkeys SET sign_count = %(count)s, backed_up = %(backed_up)s, last_used_at = now()
    WHERE id = %(id)s AND organization_id = %(organization_id)s AND removed_at IS NULL
        AND (%(count)s > sign_count OR %(count)s = 0 AND sign_count = 0)
"""
_RENAME = """
    UPDATE passkeys SET name = %(name)s
    WHERE id = %(id)s AND organization_id = %(organization_id)s AND removed_at IS NULL
"""
_REMOVE = """
    UPDATE passkeys SET removed_at = now(), public_key = '', attestation = NULL
    WHERE id = %(id)s AND organization_id = %(organization_id)s AND removed_at IS NULL
"""


class Passkeys:
    """The tables `passkeys` and `passkey_users`. What another organization has is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def handle(
        self, user_id: str, organization_id: str, new: str | None = None
    ) -> str | None:
        """Return what a person is called to authenticators: `new` where they had no such name.

        None for who has none, and for a person of another organization.
        """
        given = {"user_id": user_id, "organization_id": organization_id, "handle": new}
        statement = _FIND_HANDLE if new is None else _HANDLE
        for _ in range(2):  # who lost a race does not see the row of who won it
            if (row := await self._pg.fetchrow(statement, given)) is not None:
                return str(row[0])
        return None

    async def add(
        self, user_id: str, organization_id: str, name: str, new: NewPasskey
    ) -> str | None:
        """Keep a credential of a person who has a handle; return its id. The transaction that this
        is part of holds the person until it ends.

        None where it is there already, or they have MOST of them.
        """
        await self._pg.fetchrow(_HOLD, {"user_id": user_id, "organization_id": organization_id})
        row = await self._pg.fetchrow(
            _ADD,
            {
                "user_id": user_id,
                "organization_id": organization_id,
                "name": name,
                "most": MOST,
                "credential_id": new.credential_id,
                "public_key": new.public_key,
                "sign_count": new.sign_count,
                "transports": list(new.transports),
                "backup_eligible": new.backup_eligible,
                "backed_up": new.backed_up,
                "aaguid": new.aaguid,
                "attestation_format": new.attestation_format,
                "attestation": new.attestation,
            },
        )
        return str(row[0]) if row is not None else None

    async def find(self, organization_id: str, credential_id: str) -> Passkey | None:
        """Return a passkey by the id that its authenticator gave it, removed ones as well."""
        given = {"organization_id": organization_id, "credential_id": credential_id}
        row = await self._pg.fetchrow(_FIND, given)
        return _passkey(row) if row is not None else None

    async def list(self, user_id: str, organization_id: str) -> tuple[Passkey, ...]:
        """Return the passkeys of a person, the oldest first."""
        given = {"user_id": user_id, "organization_id": organization_id}
        return tuple(map(_passkey, await self._pg.fetch(_LIST, given)))

    async def use(self, id: str, organization_id: str, sign_count: int, *, backed_up: bool) -> bool:
        """Note a use; False where the counter did not go on from where it was (§6.1.1)."""
        given = _of(id, organization_id) | {"count": sign_count, "backed_up": backed_up}
        return await self._pg.execute(_USE, given) == 1

    async def rename(self, id: str, organization_id: str, name: str) -> bool:
        """Call a passkey `name`; False where there is none."""
        return await self._pg.execute(_RENAME, _of(id, organization_id) | {"name": name}) == 1

    async def remove(self, id: str, organization_id: str) -> bool:
        """Take a passkey away: what is left of it opens nothing. False where there is none."""
        return await self._pg.execute(_REMOVE, _of(id, organization_id)) == 1


def _of(id: str, organization_id: str) -> dict[str, Any]:
    return {"id": id, "organization_id": organization_id}


def _passkey(row: Row) -> Passkey:
    values = dict(zip(Passkey.__struct_fields__, row, strict=True))
    values |= {"public_key": bytes(values["public_key"]), "transports": (*values["transports"],)}
    return Passkey(**values)
