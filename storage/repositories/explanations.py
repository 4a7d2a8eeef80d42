"""What an explanation of somebody's tokens reads beside what issuing them does."""

from __future__ import annotations

from collections.abc import Sequence

from storage.models.artifacts import ARTIFACTS, Grant
from storage.models.roles import RoleWithPermissions
from storage.postgres.statement import Executor
from storage.stores import decode

_GRANT = ARTIFACTS[Grant]
_ROLE = """
    r.slug, r.application_id, ARRAY(
        SELECT DISTINCT p.slug FROM role_permissions rp
        JOIN permissions p ON p.id = rp.permission_id
        WHERE rp.role_id = r.id)
"""


class Explanations:
    """Reads, and writes nothing. What is another organization's is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def held_roles(
        self, user_id: str, organization_id: str
    ) -> tuple[RoleWithPermissions, ...]:
        """Return the roles that a user holds, of every application, with what they permit."""
        rows = await self._pg.fetch(
            f"""
            SELECT {_ROLE} FROM user_roles ur JOIN roles r ON r.id = ur.role_id
            JOIN users u ON u.id = ur.user_id
            WHERE u.id = %(user_id)s AND (u.organization_id = %(organization_id)s) IS TRUE
            """,  # noqa: S608
            {"user_id": user_id, "organization_id": organization_id},
        )
        return tuple(RoleWithPermissions(row[0], row[1], tuple(row[2])) for row in rows)

    async def roles(
        self, application_id: str, slugs: Sequence[str]
    ) -> tuple[RoleWithPermissions, ...]:
        """Return those roles of an application, with what they permit."""
        rows = await self._pg.fetch(
            f"""
            SELECT {_ROLE} FROM roles r
            WHERE r.application_id = %(application_id)s AND r.slug = ANY(%(slugs)s::text[])
            """,  # noqa: S608
            {"application_id": application_id, "slugs": list(slugs)},
        )
        return tuple(RoleWithPermissions(row[0], row[1], tuple(row[2])) for row in rows)

    async def session_uids(
        self, account_id: str, organization_id: str, *, idle_ttl: float
    ) -> tuple[str, ...]:
        """Return the uids of an account's living sessions, as `users.session_status` counts."""
        rows = await self._pg.fetch(
            """
            SELECT uid FROM sessions
            WHERE account_id = %(account_id)s AND (organization_id = %(organization_id)s) IS TRUE
                AND expires_at > now() AND consumed_at IS NULL
                AND used_at > now() - make_interval(secs => %(idle_ttl)s::float8)
            ORDER BY used_at DESC LIMIT 100
            """,
            {"account_id": account_id, "organization_id": organization_id, "idle_ttl": idle_ttl},
        )
        return tuple(row[0] for row in rows)

    async def grants(
        self, ids: Sequence[str], account_id: str, organization_id: str
    ) -> tuple[Grant, ...]:
        """Return the living grants of these ids that an account gave."""
        rows = await self._pg.fetch(
            """
            SELECT id, payload FROM artifacts
            WHERE id = ANY(%(ids)s::text[]) AND kind = 'Grant'
                AND (organization_id = %(organization_id)s) IS TRUE
                AND account_id = %(account_id)s
                AND expires_at > now() AND consumed_at IS NULL
            """,
            {"ids": list(ids), "account_id": account_id, "organization_id": organization_id},
        )
        found = (decode(_GRANT, id, payload.encode()) for id, payload in rows)
        return tuple(grant for grant in found if isinstance(grant, Grant))
