"""Roles and permissions of applications, in SQL. Who holds them is in `user_roles.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from storage.models.pages import Listed, Page
from storage.models.roles import Permission, Role
from storage.postgres.statement import Executor, Row
from storage.repositories.columns import assignments, dated, key_column
from storage.repositories.pagination import Selection, Sort, moment, select_page

_ROLE = f"id, application_id, name, slug, description, {dated()}"
_PERMISSION = (
    "id, application_id, name, slug, description, module_id,"
    " EXTRACT(EPOCH FROM created_at)::float8, version"
)
SORTS = {"name": Sort("name"), "slug": Sort("slug"), "created_at": moment("created_at")}
"""What a list of roles, or of permissions, can be sorted by."""


class Roles:
    """The tables `roles`, `permissions` and `role_permissions`: of an application each."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def list(self, application_id: str) -> tuple[Role, ...]:
        """Return the roles of an application, by slug."""
        rows = await self._pg.fetch(
            f"SELECT {_ROLE} FROM roles WHERE application_id = %(id)s ORDER BY slug",  # noqa: S608
            {"id": application_id},
        )
        return tuple(map(_role, rows))

    async def permissions(self, application_id: str) -> tuple[Permission, ...]:
        """Return the permissions of an application, by slug."""
        rows = await self._pg.fetch(
            f"SELECT {_PERMISSION} FROM permissions WHERE application_id = %(id)s ORDER BY slug",  # noqa: S608
            {"id": application_id},
        )
        return tuple(map(_permission, rows))

    async def list_page(self, application_id: str, page: Page) -> Listed[Role]:
        """Return a page of the roles of an application."""
        selection = Selection(_ROLE, "roles", SORTS)
        selection.where("application_id = %(application_id)s", application_id=application_id)
        return await select_page(self._pg, selection, page, _role)

    async def list_permissions(
        self, application_id: str, page: Page, *, module_id: str | None = None
    ) -> Listed[Permission]:
        """Return a page of the permissions of an application, or of one of its modules."""
        selection = Selection(_PERMISSION, "permissions", SORTS)
        selection.where("application_id = %(application_id)s", application_id=application_id)
        if module_id is not None:
            selection.where("module_id = %(module_id)s", module_id=module_id)
        return await select_page(self._pg, selection, page, _permission)

    async def find(
        self, application_id: str, id_or_slug: str, *, hold: bool = False
    ) -> Role | None:
        """Return the role of this id or slug, if the application has it; `hold` keeps it from
        changing until the transaction ends.
        """
        row = await self._pg.fetchrow(
            _find(_ROLE, "roles", id_or_slug, hold),
            {"application_id": application_id, "key": id_or_slug},
        )
        return _role(row) if row else None

    async def find_permission(
        self, application_id: str, id_or_slug: str, *, hold: bool = False
    ) -> Permission | None:
        """Return the permission of this id or slug, if the application has it; `hold` as above."""
        row = await self._pg.fetchrow(
            _find(_PERMISSION, "permissions", id_or_slug, hold),
            {"application_id": application_id, "key": id_or_slug},
        )
        return _permission(row) if row else None

    async def insert(self, role: Role) -> Role | None:
        """Add a role and return it as it is stored; None for a slug that its application has."""
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO roles (id, application_id, name, slug, description)
            VALUES (%(id)s, %(application_id)s, %(name)s, %(slug)s, %(description)s)
            ON CONFLICT (application_id, slug) DO NOTHING
            RETURNING {_ROLE}
            """,  # noqa: S608
            msgspec.structs.asdict(role),
        )
        return _role(row) if row else None

    async def insert_permission(self, permission: Permission) -> Permission | None:
        """Add a permission and return it; None for a slug that its application has.

        A module of another application is none.
        """
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO permissions (id, application_id, module_id, name, slug, description)
            VALUES (
                %(id)s, %(application_id)s, (
                    SELECT id FROM application_modules
                    WHERE id = %(module_id)s AND application_id = %(application_id)s
                ), %(name)s, %(slug)s, %(description)s
            )
            ON CONFLICT (application_id, slug) DO NOTHING
            RETURNING {_PERMISSION}
            """,  # noqa: S608
            msgspec.structs.asdict(permission),
        )
        return _permission(row) if row else None

    async def update(self, id: str, changes: Mapping[str, object]) -> Role | None:
        """Write these columns of name, slug and description, and return the whole row."""
        columns = assignments(changes, ("name", "slug", "description"))
        row = await self._pg.fetchrow(
            f"UPDATE roles SET {columns} WHERE id = %(id)s RETURNING {_ROLE}",  # noqa: S608
            {**changes, "id": id},
        )
        return _role(row) if row else None

    async def update_permission(self, id: str, changes: Mapping[str, object]) -> Permission | None:
        """Write these columns of name, description and module, and return the whole row."""
        columns = assignments(changes, ("name", "description", "module_id"))
        row = await self._pg.fetchrow(
            f"UPDATE permissions SET {columns} WHERE id = %(id)s RETURNING {_PERMISSION}",  # noqa: S608
            {**changes, "id": id},
        )
        return _permission(row) if row else None

    async def delete(self, id: str) -> None:
        """Delete a role; nobody holds it any more."""
        await self._pg.execute("DELETE FROM roles WHERE id = %(id)s", {"id": id})

    async def delete_permission(self, id: str) -> None:
        """Delete a permission; no role has it any more."""
        await self._pg.execute("DELETE FROM permissions WHERE id = %(id)s", {"id": id})

    async def grant(self, role_id: str, permission_ids: Sequence[str]) -> frozenset[str]:
        """Give permissions to a role of the same application; once is enough.

        Returns the ids of those that the role did not have.
        """
        rows = await self._pg.fetch(
            """
            INSERT INTO role_permissions (role_id, permission_id)
            SELECT r.id, p.id
            FROM roles r JOIN permissions p ON p.application_id = r.application_id
            WHERE r.id = %(role_id)s AND p.id = ANY(%(ids)s::uuid[])
            ON CONFLICT DO NOTHING
            RETURNING permission_id
            """,
            {"role_id": role_id, "ids": [*permission_ids]},
        )
        return frozenset(row[0] for row in rows)

    async def revoke(self, role_id: str, permission_ids: Sequence[str]) -> frozenset[str]:
        """Take permissions from a role; return the ids of those that it had."""
        rows = await self._pg.fetch(
            """
            DELETE FROM role_permissions
            WHERE role_id = %(role_id)s AND permission_id = ANY(%(ids)s::uuid[])
            RETURNING permission_id
            """,
            {"role_id": role_id, "ids": [*permission_ids]},
        )
        return frozenset(row[0] for row in rows)

    async def granted(self, role_id: str) -> tuple[Permission, ...]:
        """Return the permissions of a role, by slug."""
        rows = await self._pg.fetch(
            f"""
            SELECT {_PERMISSION} FROM permissions
            WHERE id IN (SELECT permission_id FROM role_permissions WHERE role_id = %(id)s)
            ORDER BY slug
            """,  # noqa: S608
            {"id": role_id},
        )
        return tuple(map(_permission, rows))

    async def with_permission(self, permission_id: str) -> tuple[Role, ...]:
        """Return the roles that have a permission, by slug."""
        rows = await self._pg.fetch(
            f"""
            SELECT {_ROLE} FROM roles
            WHERE id IN (SELECT role_id FROM role_permissions WHERE permission_id = %(id)s)
            ORDER BY slug
            """,  # noqa: S608
            {"id": permission_id},
        )
        return tuple(map(_role, rows))


def _find(columns: str, table: str, key: str, hold: bool) -> str:
    return f"""
        SELECT {columns} FROM {table}
        WHERE {key_column(key)} = %(key)s AND application_id = %(application_id)s
        {"FOR NO KEY UPDATE" if hold else ""}
    """  # noqa: S608


def _role(row: Row) -> Role:
    return Role(**dict(zip(Role.__struct_fields__, row, strict=True)))


def _permission(row: Row) -> Permission:
    return Permission(**dict(zip(Permission.__struct_fields__, row, strict=True)))
