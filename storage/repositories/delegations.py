"""Delegations: who administers one organization, and which client administers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from storage.models.administrators import Delegation
from storage.postgres.statement import Executor

_REMOVE = """
    DELETE FROM delegations WHERE user_id = %(user_id)s OR client_id = %(client_id)s
"""
_INSERT = """
    WITH made AS (
        INSERT INTO delegations (user_id, client_id, organization_id, everywhere)
        VALUES (%(user_id)s, %(client_id)s, %(organization_id)s::uuid,
            %(organization_id)s::uuid IS NULL) RETURNING id
    )
    INSERT INTO delegation_roles (delegation_id, role_id)
    SELECT made.id, role FROM made, unnest(%(role_ids)s::uuid[]) AS role
"""
_FIND = """
    SELECT json_build_object(
        'user_id', d.user_id, 'client_id', d.client_id, 'organization_id', d.organization_id,
        'role_ids', ARRAY(SELECT role_id FROM delegation_roles
            WHERE delegation_id = d.id ORDER BY role_id))
    FROM delegations d WHERE {condition} ORDER BY d.created_at, d.id
"""
_decode = msgspec.json.Decoder(Delegation).decode


class Delegations:
    """The tables `delegations` and `delegation_roles`; to be written in a transaction."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def put(
        self,
        organization_id: str | None,
        role_ids: Sequence[str],
        *,
        user_id: str | None = None,
        client_id: str | None = None,
    ) -> None:
        """Let a person or a client (its internal id) have these roles for one organization, or a
        client for all of them (None); in the place of whatever it was let before.
        """
        holder = {"user_id": user_id, "client_id": client_id}
        await self._pg.execute(_REMOVE, holder)
        await self._pg.execute(
            _INSERT, {**holder, "organization_id": organization_id, "role_ids": list(role_ids)}
        )

    async def remove(self, *, user_id: str | None = None, client_id: str | None = None) -> bool:
        """Take a delegation away, and tell whether there was one."""
        holder = {"user_id": user_id, "client_id": client_id}
        return await self._pg.execute(_REMOVE, holder) > 0

    async def find(
        self, *, user_id: str | None = None, client_id: str | None = None
    ) -> Delegation | None:
        """Return the delegation of a person or of a client."""
        found = await self._pg.fetchrow(
            _FIND.format(condition="d.user_id = %(user_id)s OR d.client_id = %(client_id)s"),
            {"user_id": user_id, "client_id": client_id},
        )
        return _decode(found[0]) if found else None

    async def of_organization(self, organization_id: str) -> tuple[Delegation, ...]:
        """Return who administers this organization, and no other one."""
        rows = await self._pg.fetch(
            _FIND.format(condition="d.organization_id = %(organization_id)s"),
            {"organization_id": organization_id},
        )
        return tuple(_decode(row[0]) for row in rows)
