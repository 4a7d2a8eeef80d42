"""Bookkeeping of migrations: what a database says was applied to it."""

from __future__ import annotations

from dataclasses import dataclass

from storage.postgres.statement import Executor


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of `schema_migrations`, or one that a database of Porta 1.x is about to be given."""

    name: str
    checksum: str
    at: float | None = None


async def keeps_our_books(connection: Executor) -> bool:
    """Whether the database has our bookkeeping."""
    # Others keep a table of this name too, with less in it.
    return await has_columns(
        connection, "schema_migrations", "version", "name", "checksum", "applied_at"
    )


async def has_columns(connection: Executor, table: str, *columns: str) -> bool:
    """Whether there is a table of this name with these columns."""
    row = await connection.fetchrow(
        "SELECT count(*) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%(table)s) AND attname = ANY(%(columns)s)",
        {"table": table, "columns": list(columns)},
    )
    return bool(row and row[0] == len(columns))


async def tables(connection: Executor) -> list[str]:
    """Return the names, in order, that are taken where our tables go; extensions aside."""
    rows = await connection.fetch(
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
            AND relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
            AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass
                AND objid = pg_class.oid AND deptype = 'e')
        ORDER BY relkind NOT IN ('r', 'p'), relname
        """
    )
    return [name for (name,) in rows]


async def applied_migrations(connection: Executor) -> dict[int, Applied]:
    """Return what is applied, by number, where the bookkeeping is ours."""
    rows = await connection.fetch(
        "SELECT version, name, checksum, EXTRACT(EPOCH FROM applied_at)::float8"
        " FROM schema_migrations"
    )
    return {version: Applied(*row) for version, *row in rows}


async def record(connection: Executor, version: int, name: str, checksum: str) -> None:
    """Write down that a migration is applied."""
    await connection.execute(
        "INSERT INTO schema_migrations (version, name, checksum)"
        " VALUES (%(version)s, %(name)s, %(checksum)s)",
        {"version": version, "name": name, "checksum": checksum},
    )
