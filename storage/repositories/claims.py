"""Custom claims: what an application defines, and the values its users have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from storage.models.claims import ClaimDefinition, ClaimValue
from storage.models.pages import Listed, Page
from storage.postgres.statement import Executor, Row
from storage.repositories.columns import assignments, dated, key_column
from storage.repositories.pagination import Selection, Sort, moment, select_page

_DEFINITION = (
    "id, claim_name, claim_type, include_in_id_token, include_in_access_token,"
    f" include_in_userinfo, title, description, application_id, {dated()}"
)
_WRITABLE = frozenset(
    {
        *("claim_type", "title", "description"),
        *("include_in_id_token", "include_in_access_token", "include_in_userinfo"),
    }
)
_VALUE = f"v.id, v.user_id, v.claim_id, v.value, {dated('v.')}"
SORTS = {"claim_name": Sort("claim_name"), "created_at": moment("created_at")}
"""What a list of claim definitions can be sorted by."""
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

    async def insert_definition(self, definition: ClaimDefinition) -> ClaimDefinition | None:
        """Define a claim and return it; None when the application has one of this name."""
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO custom_claim_definitions (
                id, application_id, claim_name, claim_type, description,
                include_in_id_token, include_in_access_token, include_in_userinfo, title
            ) VALUES (
                %(id)s, %(application_id)s, %(claim_name)s, %(claim_type)s, %(description)s,
                %(include_in_id_token)s, %(include_in_access_token)s, %(include_in_userinfo)s,
                %(title)s
            )
            ON CONFLICT (application_id, claim_name) DO NOTHING
            RETURNING {_DEFINITION}
            """,  # noqa: S608
            msgspec.structs.asdict(definition),
        )
        return _definition(row) if row else None

    async def definitions(self, application_id: str) -> tuple[ClaimDefinition, ...]:
        """Return the claims that an application defines, by name."""
        rows = await self._pg.fetch(
            f"""
            SELECT {_DEFINITION} FROM custom_claim_definitions
            WHERE application_id = %(application_id)s ORDER BY claim_name
            """,  # noqa: S608
            {"application_id": application_id},
        )
        return tuple(map(_definition, rows))

    async def list_page(self, application_id: str, page: Page) -> Listed[ClaimDefinition]:
        """Return a page of the claims that an application defines."""
        selection = Selection(_DEFINITION, "custom_claim_definitions", SORTS)
        selection.where("application_id = %(application_id)s", application_id=application_id)
        return await select_page(self._pg, selection, page, _definition)

    async def find_by_id(self, id: str) -> ClaimDefinition | None:
        """Return the claim of this id, of whatever application."""
        row = await self._pg.fetchrow(
            f"SELECT {_DEFINITION} FROM custom_claim_definitions WHERE id = %(id)s",  # noqa: S608
            {"id": id},
        )
        return _definition(row) if row else None

    async def find(
        self, application_id: str, id_or_name: str, *, hold: bool = False
    ) -> ClaimDefinition | None:
        """Return the claim of this id or name, if the application defines it; `hold` keeps it from
        changing until the transaction ends.
        """
        row = await self._pg.fetchrow(
            f"""
            SELECT {_DEFINITION} FROM custom_claim_definitions
            WHERE {key_column(id_or_name, "claim_name")} = %(key)s
                AND application_id = %(application_id)s
            {"FOR NO KEY UPDATE" if hold else ""}
            """,  # noqa: S608
            {"application_id": application_id, "key": id_or_name},
        )
        return _definition(row) if row else None

    async def update_definition(
        self, id: str, changes: Mapping[str, object]
    ) -> ClaimDefinition | None:
        """Write these columns, and return the whole row. Its name stands in tokens, and stays."""
        columns = assignments(changes, _WRITABLE)
        row = await self._pg.fetchrow(
            f"""
            UPDATE custom_claim_definitions SET {columns} WHERE id = %(id)s
            RETURNING {_DEFINITION}
            """,  # noqa: S608
            {**changes, "id": id},
        )
        return _definition(row) if row else None

    async def delete_definition(self, id: str) -> None:
        """Delete a definition, with every value of it."""
        await self._pg.execute("DELETE FROM custom_claim_definitions WHERE id = %(id)s", {"id": id})

    async def has_values(self, claim_id: str) -> bool:
        """Whether anybody has a value of this claim."""
        row = await self._pg.fetchrow(
            "SELECT 1 FROM custom_claim_values WHERE claim_id = %(id)s LIMIT 1", {"id": claim_id}
        )
        return row is not None

    async def set_value(
        self, user_id: str, organization_id: str, claim_id: str, value: Any
    ) -> ClaimValue | None:
        """Give a user of this organization this value, in the place of an earlier one."""
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO custom_claim_values AS v (user_id, claim_id, value)
            SELECT u.id, %(claim_id)s, %(value)s FROM users u
            WHERE u.id = %(user_id)s AND (u.organization_id = %(organization_id)s) IS TRUE
            ON CONFLICT (user_id, claim_id) DO UPDATE SET value = EXCLUDED.value
            RETURNING {_VALUE}
            """,  # noqa: S608
            {
                "user_id": user_id,
                "organization_id": organization_id,
                "claim_id": claim_id,
                "value": msgspec.json.encode(value).decode(),
            },
        )
        return _value(row) if row else None

    async def find_value(
        self, user_id: str, organization_id: str, claim_id: str
    ) -> ClaimValue | None:
        """Return a user's value of a claim, if there is one."""
        row = await self._pg.fetchrow(
            f"""
            SELECT {_VALUE} FROM custom_claim_values v JOIN users u ON u.id = v.user_id
            WHERE u.id = %(user_id)s AND (u.organization_id = %(organization_id)s) IS TRUE
                AND v.claim_id = %(claim_id)s
            """,  # noqa: S608
            {"user_id": user_id, "organization_id": organization_id, "claim_id": claim_id},
        )
        return _value(row) if row else None

    async def delete_value(self, user_id: str, organization_id: str, claim_id: str) -> bool:
        """Take a value from a user of this organization; tell whether there was one."""
        deleted = await self._pg.execute(
            """
            DELETE FROM custom_claim_values v USING users u
            WHERE v.user_id = u.id AND u.id = %(user_id)s
                AND (u.organization_id = %(organization_id)s) IS TRUE AND v.claim_id = %(claim_id)s
            """,
            {"user_id": user_id, "organization_id": organization_id, "claim_id": claim_id},
        )
        return deleted == 1

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

    async def of_user(
        self, user_id: str, organization_id: str
    ) -> tuple[tuple[ClaimDefinition, ClaimValue], ...]:
        """Return a user's claim values of every application with their definitions, by name."""
        columns = ", ".join(f"d.{name}" for name in _DEFINITION.split(", ")[:9])
        rows = await self._pg.fetch(
            f"""
            SELECT {columns}, {dated("d.")}, {_VALUE}
            FROM custom_claim_values v JOIN users u ON u.id = v.user_id
            JOIN custom_claim_definitions d ON d.id = v.claim_id
            WHERE u.id = %(user_id)s AND (u.organization_id = %(organization_id)s) IS TRUE
            ORDER BY d.claim_name, d.id
            """,  # noqa: S608
            {"user_id": user_id, "organization_id": organization_id},
        )
        width = len(ClaimDefinition.__struct_fields__)
        return tuple((_definition(row[:width]), _value(row[width:])) for row in rows)


def _definition(row: Row) -> ClaimDefinition:
    return ClaimDefinition(**dict(zip(ClaimDefinition.__struct_fields__, row, strict=True)))


def _value(row: Row) -> ClaimValue:
    named = dict(zip(ClaimValue.__struct_fields__, row, strict=True))
    return ClaimValue(**{**named, "value": msgspec.json.decode(named["value"])})
