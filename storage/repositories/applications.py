"""Applications and their modules, in SQL."""

from __future__ import annotations

import msgspec

from storage.models.applications import Application, ApplicationModule
from storage.postgres.statement import Executor, Row


class Applications:
    """The tables `applications` and `application_modules`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_by_slug(self, slug: str) -> Application | None:
        """Return the application of this slug, whatever its status."""
        row = await self._pg.fetchrow(
            """
            SELECT id, name, slug, description, status
            FROM applications WHERE slug = %(slug)s
            """,
            {"slug": slug},
        )
        return _application(row) if row else None

    async def insert(self, application: Application) -> None:
        """Raises AlreadyExists for a slug that is taken."""
        await self._pg.execute(
            """
            INSERT INTO applications (id, name, slug, description, status)
            VALUES (%(id)s, %(name)s, %(slug)s, %(description)s, %(status)s)
            """,
            msgspec.structs.asdict(application),
        )

    async def update(self, application: Application) -> None:
        """Write its name and description."""
        await self._pg.execute(
            """
            UPDATE applications SET name = %(name)s, description = %(description)s
            WHERE id = %(id)s
            """,
            msgspec.structs.asdict(application),
        )

    async def set_status(self, id: str, status: str, expected: tuple[str, ...]) -> bool:
        """Change the status if it is one of `expected`; tell whether it was."""
        touched = await self._pg.execute(
            """
            UPDATE applications SET status = %(status)s
            WHERE id = %(id)s AND status = ANY(%(expected)s)
            """,
            {"id": id, "status": status, "expected": list(expected)},
        )
        return touched == 1

    async def modules(self, application_id: str) -> tuple[ApplicationModule, ...]:
        """Return the modules of an application, by slug."""
        rows = await self._pg.fetch(
            """
            SELECT id, application_id, name, slug, description, status
            FROM application_modules
            WHERE application_id = %(application_id)s ORDER BY slug
            """,
            {"application_id": application_id},
        )
        return tuple(_module(row) for row in rows)

    async def insert_module(self, module: ApplicationModule) -> None:
        """Raises AlreadyExists for a slug that its application has already."""
        await self._pg.execute(
            """
            INSERT INTO application_modules (id, application_id, name, slug, description, status)
            VALUES (%(id)s, %(application_id)s, %(name)s, %(slug)s, %(description)s, %(status)s)
            """,
            msgspec.structs.asdict(module),
        )

    async def update_module(self, module: ApplicationModule) -> None:
        """Write its name, description and status."""
        await self._pg.execute(
            """
            UPDATE application_modules
            SET name = %(name)s, description = %(description)s, status = %(status)s
            WHERE id = %(id)s
            """,
            msgspec.structs.asdict(module),
        )


def _application(row: Row) -> Application:
    return Application(**dict(zip(Application.__struct_fields__, row, strict=True)))


def _module(row: Row) -> ApplicationModule:
    return ApplicationModule(**dict(zip(ApplicationModule.__struct_fields__, row, strict=True)))
