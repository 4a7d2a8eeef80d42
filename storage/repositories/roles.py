"""Roles and permissions, and who holds them."""

from __future__ import annotations

import msgspec

from storage.models.roles import Permission, Role
from storage.postgres.statement import Executor


class Roles:
    """The tables `roles`, `permissions`, `role_permissions` and `user_roles`.

    Roles belong to an application; who holds them is a user's, and so an organization's.
    """

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def list(self, application_id: str) -> tuple[Role, ...]:
        """Return the roles of an application, by slug."""
        rows = await self._pg.fetch(
            """
            SELECT id, application_id, name, slug, description FROM roles
            WHERE application_id = %(application_id)s ORDER BY slug
            """,
            {"application_id": application_id},
        )
        return tuple(Role(**dict(zip(Role.__struct_fields__, row, strict=True))) for row in rows)

    async def permissions(self, application_id: str) -> tuple[Permission, ...]:
        """Return the permissions of an application, by slug."""
        rows = await self._pg.fetch(
            """
            SELECT id, application_id, name, slug, description, module_id FROM permissions
            WHERE application_id = %(application_id)s ORDER BY slug
            """,
            {"application_id": application_id},
        )
        fields = Permission.__struct_fields__
        return tuple(Permission(**dict(zip(fields, row, strict=True))) for row in rows)

    async def insert(self, role: Role) -> None:
        """Add a role; AlreadyExists when its application has one of this slug."""
        await self._pg.execute(
            """
            INSERT INTO roles (id, application_id, name, slug, description)
            VALUES (%(id)s, %(application_id)s, %(name)s, %(slug)s, %(description)s)
            """,
            msgspec.structs.asdict(role),
        )

    async def insert_permission(self, permission: Permission) -> None:
        """Add a permission; AlreadyExists when its application has one of this slug."""
        await self._pg.execute(
            """
            INSERT INTO permissions (id, application_id, module_id, name, slug, description)
            VALUES (
                %(id)s, %(application_id)s, %(module_id)s, %(name)s, %(slug)s, %(description)s
            )
            """,
            msgspec.structs.asdict(permission),
        )

    async def grant(self, role_id: str, permission_id: str) -> None:
        """Give a permission to a role of the same application; once is enough."""
        await self._pg.execute(
            """
            INSERT INTO role_permissions (role_id, permission_id)
            SELECT r.id, p.id
            FROM roles r JOIN permissions p ON p.application_id = r.application_id
            WHERE r.id = %(role_id)s AND p.id = %(permission_id)s
            ON CONFLICT DO NOTHING
            """,
            {"role_id": role_id, "permission_id": permission_id},
        )

    async def assign(
        self, user_id: str, organization_id: str, role_id: str, assigned_by: str | None = None
    ) -> None:
        """Give a role to a user of this organization; once is enough."""
        await self._pg.execute(
            """
            INSERT INTO user_roles (user_id, role_id, assigned_by)
            SELECT u.id, %(role_id)s, %(assigned_by)s FROM users u
            WHERE u.id = %(user_id)s AND (u.organization_id = %(organization_id)s) IS TRUE
            ON CONFLICT DO NOTHING
            """,
            {
                "user_id": user_id,
                "organization_id": organization_id,
                "role_id": role_id,
                "assigned_by": assigned_by,
            },
        )

    async def update(self, role: Role) -> None:
        """Write the name and description of a role."""
        await self._pg.execute(
            "UPDATE roles SET name = %(name)s, description = %(description)s WHERE id = %(id)s",
            msgspec.structs.asdict(role),
        )

    async def update_permission(self, permission: Permission) -> None:
        """Write the name and description of a permission."""
        await self._pg.execute(
            """
            UPDATE permissions SET name = %(name)s, description = %(description)s
            WHERE id = %(id)s
            """,
            msgspec.structs.asdict(permission),
        )

    async def granted(self, role_id: str) -> frozenset[str]:
        """Return the ids of a role's permissions."""
        rows = await self._pg.fetch(
            "SELECT permission_id FROM role_permissions WHERE role_id = %(role_id)s",
            {"role_id": role_id},
        )
        return frozenset(row[0] for row in rows)

    async def assigned(self, user_id: str, organization_id: str) -> frozenset[str]:
        """Return the ids of a user's roles, of every application."""
        rows = await self._pg.fetch(
            """
            SELECT r.role_id FROM user_roles r JOIN users u ON u.id = r.user_id
            WHERE u.id = %(user_id)s AND (u.organization_id = %(organization_id)s) IS TRUE
            """,
            {"user_id": user_id, "organization_id": organization_id},
        )
        return frozenset(row[0] for row in rows)
