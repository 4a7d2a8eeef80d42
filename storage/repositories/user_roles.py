"""Who holds which roles, and what that permits: of a user each, and so of an organization."""

from __future__ import annotations

from collections.abc import Sequence

from storage.models.pages import Listed, Page
from storage.models.roles import HeldRole, Permission, Role
from storage.postgres.statement import Executor, Row
from storage.repositories.columns import dated
from storage.repositories.pagination import Selection, moment, select_page

_ROLE = f"r.id, r.application_id, r.name, r.slug, r.description, {dated('r.')}"
_OF_USER = """
    user_roles h JOIN users u ON u.id = h.user_id AND u.id = %(user_id)s
        AND (u.organization_id = %(organization_id)s) IS TRUE
    JOIN roles r ON r.id = h.role_id
"""
SORTS = {"created_at": moment("h.created_at")}
"""What a list of the holders of a role can be sorted by."""


class UserRoles:
    """The table `user_roles`. What is another organization's is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def of_user(self, user_id: str, organization_id: str) -> tuple[Role, ...]:
        """Return the roles that a user holds, of every application, by name."""
        rows = await self._pg.fetch(
            f"SELECT {_ROLE} FROM {_OF_USER} ORDER BY r.name, r.id",  # noqa: S608
            {"user_id": user_id, "organization_id": organization_id},
        )
        return tuple(Role(**dict(zip(Role.__struct_fields__, row, strict=True))) for row in rows)

    async def permissions_of_user(
        self, user_id: str, organization_id: str
    ) -> tuple[Permission, ...]:
        """Return what a user's roles permit, once each, of every application, by slug."""
        rows = await self._pg.fetch(
            f"""
            SELECT p.id, p.application_id, p.name, p.slug, p.description, p.module_id,
                EXTRACT(EPOCH FROM p.created_at)::float8, p.version
            FROM permissions p WHERE p.id IN (
                SELECT g.permission_id FROM {_OF_USER} JOIN role_permissions g ON g.role_id = r.id
            ) ORDER BY p.slug, p.id
            """,  # noqa: S608
            {"user_id": user_id, "organization_id": organization_id},
        )
        fields = Permission.__struct_fields__
        return tuple(Permission(**dict(zip(fields, row, strict=True))) for row in rows)

    async def permitted(
        self, user_id: str, organization_id: str, application_slug: str
    ) -> frozenset[str]:
        """Return the slugs of what a user's roles permit at one application."""
        rows = await self._pg.fetch(
            f"""
            SELECT DISTINCT p.slug FROM {_OF_USER}
            JOIN role_permissions g ON g.role_id = r.id
            JOIN permissions p ON p.id = g.permission_id
            JOIN applications a ON a.id = r.application_id AND a.slug = %(application_slug)s
            """,  # noqa: S608
            {
                "user_id": user_id,
                "organization_id": organization_id,
                "application_slug": application_slug,
            },
        )
        return frozenset(row[0] for row in rows)

    async def find_roles(self, ids: Sequence[str]) -> dict[str, tuple[str, str, frozenset[str]]]:
        """Return, by the id of each of these roles that there is: its slug, the slug of its
        application, and those of its permissions.
        """
        rows = await self._pg.fetch(
            """
            SELECT r.id, r.slug, a.slug, COALESCE(array_agg(p.slug) FILTER (
                WHERE p.slug IS NOT NULL), '{}')
            FROM roles r JOIN applications a ON a.id = r.application_id
            LEFT JOIN role_permissions g ON g.role_id = r.id
            LEFT JOIN permissions p ON p.id = g.permission_id
            WHERE r.id = ANY(%(ids)s::uuid[]) GROUP BY r.id, r.slug, a.slug
            """,
            {"ids": [*ids]},
        )
        return {id: (slug, application, frozenset(all)) for id, slug, application, all in rows}

    async def assign(
        self,
        user_id: str,
        organization_id: str,
        role_ids: Sequence[str],
        assigned_by: str | None = None,
    ) -> frozenset[str]:
        """Give roles to a user of this organization; return the ids of those not held before."""
        rows = await self._pg.fetch(
            """
            INSERT INTO user_roles (user_id, role_id, assigned_by)
            SELECT u.id, r.id, (SELECT id FROM users WHERE id = %(assigned_by)s)
            FROM users u CROSS JOIN roles r
            WHERE u.id = %(user_id)s AND (u.organization_id = %(organization_id)s) IS TRUE
                AND r.id = ANY(%(role_ids)s::uuid[])
            ON CONFLICT DO NOTHING
            RETURNING role_id
            """,
            {
                "user_id": user_id,
                "organization_id": organization_id,
                "role_ids": [*role_ids],
                "assigned_by": assigned_by,
            },
        )
        return frozenset(row[0] for row in rows)

    async def remove(
        self, user_id: str, organization_id: str, role_ids: Sequence[str]
    ) -> frozenset[str]:
        """Take roles from a user of this organization; return the ids of those that were held."""
        rows = await self._pg.fetch(
            """
            DELETE FROM user_roles h USING users u
            WHERE h.user_id = u.id AND u.id = %(user_id)s
                AND (u.organization_id = %(organization_id)s) IS TRUE
                AND h.role_id = ANY(%(role_ids)s::uuid[])
            RETURNING h.role_id
            """,
            {
                "user_id": user_id,
                "organization_id": organization_id,
                "role_ids": [*role_ids],
            },
        )
        return frozenset(row[0] for row in rows)

    async def list_holders(
        self, role_id: str, page: Page, *, organization_id: str | None = None
    ) -> Listed[HeldRole]:
        """Return a page of who holds a role, in one organization or in all."""
        selection = Selection(
            "h.user_id, h.role_id, h.assigned_by, EXTRACT(EPOCH FROM h.created_at)::float8",
            "user_roles h JOIN users u ON u.id = h.user_id",
            SORTS,
            id="h.user_id",
        )
        selection.where("h.role_id = %(role_id)s", role_id=role_id)
        if organization_id is not None:
            selection.where("u.organization_id = %(of)s", of=organization_id)
        return await select_page(self._pg, selection, page, _held)

    async def is_held(self, role_id: str) -> bool:
        """Whether anybody holds a role."""
        row = await self._pg.fetchrow(
            "SELECT 1 FROM user_roles WHERE role_id = %(id)s LIMIT 1", {"id": role_id}
        )
        return row is not None


def _held(row: Row) -> HeldRole:
    return HeldRole(**dict(zip(HeldRole.__struct_fields__, row, strict=True)))
