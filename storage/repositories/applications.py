"""Applications and their modules, in SQL."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from storage.models.applications import Application, ApplicationModule
from storage.models.pages import Listed, Page
from storage.postgres.statement import Executor, Row
from storage.repositories.columns import assignments, dated, key_column
from storage.repositories.pagination import Selection, Sort, moment, select_page

_COLUMNS = f"id, name, slug, description, status, {dated()}"
_MODULE_COLUMNS = f"id, application_id, name, slug, description, status, {dated()}"
SORTS = {"name": Sort("name"), "created_at": moment("created_at")}
"""What a list of applications can be sorted by."""


class Applications:
    """The tables `applications` and `application_modules`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_by_slug(self, slug: str) -> Application | None:
        """Return the application of this slug, whatever its status."""
        row = await self._pg.fetchrow(
            f"SELECT {_COLUMNS} FROM applications WHERE slug = %(slug)s",  # noqa: S608
            {"slug": slug},
        )
        return _application(row) if row else None

    async def find_by_key(self, id_or_slug: str, *, hold: bool = False) -> Application | None:
        """Return the application of this id or slug, whatever its status; `hold` keeps it from
        changing until the transaction ends.
        """
        row = await self._pg.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM applications WHERE {key_column(id_or_slug)} = %(key)s
            {"FOR NO KEY UPDATE" if hold else ""}
            """,  # noqa: S608
            {"key": id_or_slug},
        )
        return _application(row) if row else None

    async def list_page(
        self, page: Page, *, status: str | None = None, search: str | None = None
    ) -> Listed[Application]:
        """Return a page of applications: of this status, with `search` in their name or slug."""
        selection = Selection(_COLUMNS, "applications", SORTS)
        if status is not None:
            selection.where("status = %(status)s", status=status)
        selection = selection.search(r"(name || E'\x1f' || slug)", search)
        return await select_page(self._pg, selection, page, _application)

    async def insert(self, application: Application) -> Application | None:
        """Add an application and return it as it is stored; None for a slug that is taken."""
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO applications (id, name, slug, description, status)
            VALUES (%(id)s, %(name)s, %(slug)s, %(description)s, %(status)s)
            ON CONFLICT (slug) DO NOTHING
            RETURNING {_COLUMNS}
            """,  # noqa: S608
            msgspec.structs.asdict(application),
        )
        return _application(row) if row else None

    async def update(self, id: str, changes: Mapping[str, object]) -> Application | None:
        """Write these columns of name, description and status, and return the whole row."""
        columns = assignments(changes, ("name", "description", "status"))
        row = await self._pg.fetchrow(
            f"UPDATE applications SET {columns} WHERE id = %(id)s RETURNING {_COLUMNS}",  # noqa: S608
            {**changes, "id": id},
        )
        return _application(row) if row else None

    async def modules(self, application_id: str) -> tuple[ApplicationModule, ...]:
        """Return the modules of an application, by slug."""
        rows = await self._pg.fetch(
            f"""
            SELECT {_MODULE_COLUMNS} FROM application_modules
            WHERE application_id = %(application_id)s ORDER BY slug
            """,  # noqa: S608
            {"application_id": application_id},
        )
        return tuple(_module(row) for row in rows)

    async def find_module(
        self, application_id: str, id: str, *, hold: bool = False
    ) -> ApplicationModule | None:
        """Return the module of this id, if the application has it; `hold` as in `find_by_key`."""
        row = await self._pg.fetchrow(
            f"""
            SELECT {_MODULE_COLUMNS} FROM application_modules
            WHERE id = %(id)s AND application_id = %(application_id)s
            {"FOR NO KEY UPDATE" if hold else ""}
            """,  # noqa: S608
            {"id": id, "application_id": application_id},
        )
        return _module(row) if row else None

    async def insert_module(self, module: ApplicationModule) -> ApplicationModule | None:
        """Add a module and return it; None for a slug that its application has already."""
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO application_modules (id, application_id, name, slug, description, status)
            VALUES (%(id)s, %(application_id)s, %(name)s, %(slug)s, %(description)s, %(status)s)
            ON CONFLICT (application_id, slug) DO NOTHING
            RETURNING {_MODULE_COLUMNS}
            """,  # noqa: S608
            msgspec.structs.asdict(module),
        )
        return _module(row) if row else None

    async def update_module(
        self, id: str, changes: Mapping[str, object]
    ) -> ApplicationModule | None:
        """Write these columns of name, description and status, and return the whole row."""
        columns = assignments(changes, ("name", "description", "status"))
        row = await self._pg.fetchrow(
            f"""
            UPDATE application_modules SET {columns} WHERE id = %(id)s
            RETURNING {_MODULE_COLUMNS}
            """,  # noqa: S608
            {**changes, "id": id},
        )
        return _module(row) if row else None


def _application(row: Row) -> Application:
    return Application(**dict(zip(Application.__struct_fields__, row, strict=True)))


def _module(row: Row) -> ApplicationModule:
    return ApplicationModule(**dict(zip(ApplicationModule.__struct_fields__, row, strict=True)))
