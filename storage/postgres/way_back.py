"""The way back to Porta 1.x: whether it is open, and its end."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from storage.postgres import migrate, migration_books
from storage.postgres.executors import Connection
from storage.postgres.migrate import MigrationRefused
from storage.postgres.migration_lock import Waiting, locked, opened
from storage.postgres.migration_steps import patiently
from storage.postgres.statement import Executor

_BATCH = 200
"""Pages of a table."""
_TABLES = ("oidc_payloads", "admin_sessions", "pgmigrations")
"""What only 1.x read. Migrations after 0029 leave them alone: they may be gone."""

# A refresh token that nobody has presented yet is taken over at its first use; its grant with it.
_LIVES = """
    {0}.type = 'RefreshToken' AND {0}.consumed_at IS NULL AND {0}.expires_at > now()
    AND NOT EXISTS (SELECT FROM artifacts WHERE artifacts.id
        = translate(rtrim(encode(sha256(convert_to({0}.id, 'UTF8')), 'base64'), '='), '+/', '-_'))
"""
_KEPT = f"""
    ({_LIVES.format("p")} OR p.type = 'Grant' AND EXISTS (
        SELECT FROM oidc_payloads r WHERE r.grant_id = p.id AND {_LIVES.format("r")}))
"""


class WayBack(StrEnum):
    """Whether Porta 1.x may come back to a database."""

    NONE = "none"
    """It is none of 1.x."""
    OPEN = "open"
    CLOSED = "closed"


class Remnant(msgspec.Struct, frozen=True):
    """A table that only Porta 1.x read: about how many rows it has, and bytes with its indexes."""

    table: str
    rows: int
    size: int


class Finished(msgspec.Struct, frozen=True):
    """What has become of the tables of 1.x."""

    dropped: tuple[str, ...]
    refresh_tokens: int
    """Those that live on in `oidc_payloads` until they are used, or expire."""
    last_expires_at: float | None
    """Seconds since the epoch."""


async def find(dsn: str) -> WayBack:
    """Return whether 1.x may come back. Raises MigrationRefused for what is no database of ours."""
    async with opened(dsn) as connection:
        return await _state(connection)


async def remnants(dsn: str) -> tuple[Remnant, ...]:
    """Return what `finish` would remove.

    Raises MigrationRefused where there is no way back to close, or the schema is not ours.
    """
    async with opened(dsn) as connection:
        await _check(dsn, connection)
        return await _remnants(connection)


async def finish(
    dsn: str, removed: Callable[[str, int], object], waiting: Waiting = lambda told: None
) -> Finished:
    """Close the way back, then remove what only 1.x read, in batches; `removed` is called with a
    table and how many rows of it are gone by now.

    Whoever is interrupted calls again. Living refresh tokens stay until they are used or expire,
    and their table with them. Raises MigrationRefused as `remnants` does.
    """
    async with locked(dsn, waiting) as connection:
        await _check(dsn, connection)
        await connection.execute(
            "UPDATE system_config SET value = 'false' WHERE key = 'way_back' AND value <> 'false'"
        )
        left, last = await _empty(connection, removed)
        for table in _TABLES:
            if table != "oidc_payloads" or not left:
                # With its foreign keys it locks the tables that they refer to.
                await patiently(connection, f"DROP TABLE IF EXISTS {table}", waiting)
        standing = {each.table for each in await _remnants(connection)}
        return Finished(tuple(each for each in _TABLES if each not in standing), left, last)


async def _check(dsn: str, connection: Connection) -> None:
    if await migrate.unapplied(dsn):
        raise MigrationRefused("the schema is not that of this version: run porta migrate up")
    if await _state(connection) is WayBack.NONE:
        raise MigrationRefused("this is no database of Porta 1.x: there is nothing to finish")


async def _state(connection: Executor) -> WayBack:
    row = None
    if await migration_books.keeps_our_books(connection):
        row = await connection.fetchrow(
            "SELECT value = 'true' FROM system_config WHERE key = 'way_back'"
        )
    if row is not None:
        return WayBack.OPEN if row[0] else WayBack.CLOSED
    adopted = await migration_books.has_columns(connection, "pgmigrations", "name")
    return WayBack.OPEN if adopted else WayBack.NONE


async def _remnants(connection: Executor) -> tuple[Remnant, ...]:
    rows = await connection.fetch(
        "SELECT relname, greatest(reltuples, 0)::bigint, pg_total_relation_size(oid)"
        " FROM pg_class WHERE oid = ANY(SELECT to_regclass(name) FROM unnest(%(names)s) name)"
        " ORDER BY relname",
        {"names": list(_TABLES)},
    )
    return tuple(Remnant(*row) for row in rows)


async def _empty(
    connection: Connection, removed: Callable[[str, int], object]
) -> tuple[int, float | None]:
    """Delete what is of no use of `oidc_payloads`; return how many refresh tokens live on in it,
    and when the last expires. Where none does, nothing need be deleted: the table goes whole.
    """
    if not await migration_books.has_columns(connection, "oidc_payloads", "id", "type"):
        return 0, None
    row = await connection.fetchrow(
        f"""
        SELECT count(*), EXTRACT(EPOCH FROM max(expires_at))::float8,
            pg_relation_size('oidc_payloads') / current_setting('block_size')::int
        FROM oidc_payloads p WHERE {_LIVES.format("p")}
        """  # noqa: S608
    )
    assert row is not None
    left, last, pages = row
    gone = 0
    for page in range(0, pages + 1 if left else 0, _BATCH):
        gone += await connection.execute(
            f"""
            DELETE FROM oidc_payloads p WHERE NOT {_KEPT}
                AND ctid >= '({page},0)'::tid AND ctid < '({page + _BATCH},0)'::tid
            """  # noqa: S608
        )
        removed("oidc_payloads", gone)
    return left, last
