"""Custom claims: what an application defines, and the values its users have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from storage.models.claims import ClaimDefinition
from storage.postgres.statement import Executor

MOST_NAMES = 200
"""As many as one discovery document tells."""


class Claims:
    """The tables `custom_claim_definitions` and `custom_claim_values`.

    Definitions belong to an application; values to a user, and so to an organization.
    """

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def names(self, organization_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return, for each organization, the names of the custom claims, and those that mappings
        make, that active clients of it may find in an ID token or at userinfo: sorted, MOST_NAMES
        at most.
        """
        rows = await self._pg.fetch(
            """
            SELECT asked.id, told.name
            FROM unnest(%(ids)s::uuid[]) AS asked (id) CROSS JOIN LATERAL (
                WITH active AS (
                    SELECT c.application_id, c.roles_claim, c.claim_mappings
                    FROM clients c JOIN applications a ON a.id = c.application_id
                    WHERE c.organization_id = asked.id AND c.status = 'active'
                        AND a.status = 'active'
                )
                SELECT d.claim_name COLLATE "C" AS name FROM custom_claim_definitions d
                WHERE d.application_id IN (SELECT application_id FROM active)
                    AND (d.include_in_id_token OR d.include_in_userinfo)
                UNION SELECT roles_claim COLLATE "C" FROM active WHERE roles_claim IS NOT NULL
                UNION SELECT m.mapping #>> '{path,0}' COLLATE "C"
                    FROM active CROSS JOIN jsonb_array_elements(active.claim_mappings) m (mapping)
                        LEFT JOIN custom_claim_definitions d
                            ON d.application_id = active.application_id
                            AND d.claim_name = m.mapping ->> 'source'
                    WHERE (m.mapping -> 'targets' ? 'id_token' AND (d.include_in_id_token
                            OR m.mapping ->> 'source' IN ('roles', 'permissions')))
                        OR (m.mapping -> 'targets' ? 'userinfo' AND (d.include_in_userinfo
                            OR m.mapping ->> 'source' IN ('roles', 'permissions')))
                ORDER BY 1 LIMIT %(most)s
            ) AS told
            """,
            {"ids": list(organization_ids), "most": MOST_NAMES},
        )
        found: dict[str, list[str]] = {id: [] for id in organization_ids}
        for id, name in rows:
            found[id].append(name)
        return {id: tuple(sorted(names)) for id, names in found.items()}

    async def insert_definition(
        self, application_id: str, definition: ClaimDefinition, description: str | None = None
    ) -> None:
        """Define a claim; AlreadyExists when the application has one of this name."""
        await self._pg.execute(
            """
            INSERT INTO custom_claim_definitions (
                id, application_id, claim_name, claim_type, description,
                include_in_id_token, include_in_access_token, include_in_userinfo, title
            ) VALUES (
                %(id)s, %(application_id)s, %(claim_name)s, %(claim_type)s, %(description)s,
                %(include_in_id_token)s, %(include_in_access_token)s, %(include_in_userinfo)s,
                %(title)s
            )
            """,
            {
                **msgspec.structs.asdict(definition),
                "application_id": application_id,
                "description": description,
            },
        )

    async def set_value(
        self, user_id: str, organization_id: str, claim_id: str, value: Any
    ) -> None:
        """Give a user of this organization this value, in the place of an earlier one."""
        await self._pg.execute(
            """
            INSERT INTO custom_claim_values (user_id, claim_id, value)
            SELECT u.id, %(claim_id)s, %(value)s FROM users u
            WHERE u.id = %(user_id)s AND (u.organization_id = %(organization_id)s) IS TRUE
            ON CONFLICT (user_id, claim_id) DO UPDATE SET value = EXCLUDED.value
            """,
            {
                "user_id": user_id,
                "organization_id": organization_id,
                "claim_id": claim_id,
                "value": msgspec.json.encode(value).decode(),
            },
        )

    async def definitions(self, application_id: str) -> tuple[ClaimDefinition, ...]:
        """Return the claims that an application defines, by name."""
        rows = await self._pg.fetch(
            """
            SELECT id, claim_name, claim_type, include_in_id_token, include_in_access_token,
                include_in_userinfo, title
            FROM custom_claim_definitions
            WHERE application_id = %(application_id)s ORDER BY claim_name
            """,
            {"application_id": application_id},
        )
        fields = ClaimDefinition.__struct_fields__
        return tuple(ClaimDefinition(**dict(zip(fields, row, strict=True))) for row in rows)

    async def description(self, claim_id: str) -> str | None:
        """Return what the definition is described with."""
        row = await self._pg.fetchrow(
            "SELECT description FROM custom_claim_definitions WHERE id = %(id)s", {"id": claim_id}
        )
        return row[0] if row else None

    async def update_definition(
        self, definition: ClaimDefinition, description: str | None = None
    ) -> None:
        """Write the type, the title, the description and where a claim is included."""
        await self._pg.execute(
            """
            UPDATE custom_claim_definitions SET
                claim_type = %(claim_type)s,
                description = %(description)s,
                include_in_id_token = %(include_in_id_token)s,
                include_in_access_token = %(include_in_access_token)s,
                include_in_userinfo = %(include_in_userinfo)s,
                title = %(title)s
            WHERE id = %(id)s
            """,
            {**msgspec.structs.asdict(definition), "description": description},
        )

    async def values(self, user_id: str, organization_id: str) -> dict[str, Any]:
        """Return a user's claim values of every application, by the id of their definition."""
        rows = await self._pg.fetch(
            """
            SELECT v.claim_id, v.value FROM custom_claim_values v JOIN users u ON u.id = v.user_id
            WHERE u.id = %(user_id)s AND (u.organization_id = %(organization_id)s) IS TRUE
            """,
            {"user_id": user_id, "organization_id": organization_id},
        )
        return {claim_id: msgspec.json.decode(value) for claim_id, value in rows}
