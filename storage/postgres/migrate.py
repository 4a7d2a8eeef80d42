"""Migrations: numbered SQL files, applied once each, by one runner at a time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from storage.errors import StorageError
from storage.postgres import adoption, isolation
from storage.postgres.executors import Connection
from storage.postgres.migration_books import (
    Applied,
    applied_migrations,
    has_columns,
    keeps_our_books,
    record,
    tables,
)
from storage.postgres.migration_lock import Waiting, locked, opened
from storage.postgres.migration_steps import parse_steps, run_steps

_REPLACES = re.compile(r"^-- replaces: ([0-9a-f]{64})$", re.MULTILINE)


class MigrationRefused(StorageError):
    """The database is not one that these migrations can be applied to; it was left as it is."""


class MigrationFailed(StorageError):
    """A file could not be applied; the message names it. Those before it stay applied."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its name without number and ending, its SQL and that SQL's SHA-256."""

    version: int
    name: str
    sql: str
    checksum: str

    @property
    def checksums(self) -> tuple[str, ...]:
        """What it may have been applied as: a file that ends in the same may replace another."""
        return self.checksum, *_REPLACES.findall(self.sql)


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """How a migration stands: `applied`, `pending`, `changed` since it was applied, or `unknown`
    (applied by a newer version).
    """

    version: int
    name: str
    state: str
    applied_at: float | None = None
    """Seconds since the epoch; None also for what a database of Porta 1.x has of its own."""


def migrations() -> tuple[Migration, ...]:
    """Return all migrations in order."""
    return tuple(sorted(_read(), key=lambda migration: migration.version))


async def up(
    dsn: str,
    available: Sequence[Migration] = (),
    *,
    applied: Callable[[str], object] = lambda name: None,
    waiting: Waiting = lambda told: None,
    seal: adoption.Seal | None = None,
    left: Callable[[str], object] = lambda sql: None,
) -> list[str]:
    """Apply what is pending of the migrations available (none named: all of ours), switch row-level
    security on, and return the names of the files applied; `applied` is called with each as soon as
    it is, and `waiting` told for whom it waits. `seal` encrypts the private keys that a database of
    Porta 1.x holds in the clear, which are refused else. `left` is told each statement that row-
    level security still needs, and that takes more rights than ours.

    Raises `MigrationRefused` for a database that is neither ours, empty, nor a Porta 1.x at 019 or
    later, and when a file changed after it was applied; `MigrationFailed` when one cannot be.
    """
    available = available or migrations()
    async with locked(dsn, waiting) as connection:
        pending = _pending(await _prepare(connection, available, seal), available)
        for migration in pending:
            await _apply(connection, migration, waiting)
            applied(_name(migration))
        for sql in await isolation.establish(connection, waiting):
            left(sql)
        return _names(pending)


async def plan(dsn: str, *, in_the_clear: Callable[[str], object] = lambda kid: None) -> list[str]:
    """Return the names of the files that `up` would apply, and change nothing; `in_the_clear` is
    called with the kid of each private key that it would have sealed.

    Raises `MigrationRefused` where `up` would.
    """
    async with opened(dsn) as connection:
        applied = await _recognise(connection, migrations())
        if applied and not await keeps_our_books(connection):
            for kid in await adoption.keys_in_the_clear(connection):
                in_the_clear(kid)
        return _names(_pending(applied, migrations()))


async def status(dsn: str) -> list[MigrationStatus]:
    """Return how every migration stands, in order.

    Raises `MigrationRefused` for a database that is neither ours, empty, nor a Porta 1.x.
    """
    async with opened(dsn) as connection:
        applied = await _recognise(connection, migrations())
        return sorted(_compare(applied, migrations()).values(), key=lambda each: each.version)


async def unapplied(dsn: str) -> list[MigrationStatus]:
    """Return the migrations that are pending or changed: none, when the schema is ours.

    What a newer version has applied is no problem: two versions may serve side by side. Raises
    `MigrationRefused` as `status` does.
    """
    return [each for each in await status(dsn) if each.state in ("pending", "changed")]


def _read() -> Iterator[Migration]:
    for file in (resources.files("storage") / "migrations").iterdir():
        stem, _, ending = file.name.rpartition(".")
        if ending == "sql":
            number, _, name = stem.partition("_")
            sql = file.read_text(encoding="utf-8")
            yield Migration(int(number), name, sql, hashlib.sha256(sql.encode()).hexdigest())


async def _apply(connection: Connection, migration: Migration, waiting: Waiting) -> None:
    try:
        await run_steps(
            connection,
            parse_steps(migration.sql),
            lambda connection: record(
                connection, migration.version, migration.name, migration.checksum
            ),
            waiting,
        )
    except StorageError as error:
        raise MigrationFailed(f"migration {_name(migration)} failed: {error}") from error


async def _record(connection: Connection, migration: Migration) -> None:
    await record(connection, migration.version, migration.name, migration.checksum)


async def _recognise(connection: Connection, available: Sequence[Migration]) -> dict[int, Applied]:
    """Return what is applied, by number, whoever did the bookkeeping; refuse what nobody knows."""
    if await keeps_our_books(connection):
        return await applied_migrations(connection)
    if await has_columns(connection, "pgmigrations", "name"):
        names = {row[0] for row in await connection.fetch("SELECT name FROM pgmigrations")}
        if problem := adoption.find_problem(names):
            raise MigrationRefused(problem)
        return {
            each.version: Applied(each.name, each.checksum)
            for each in available
            if each.version <= adoption.BASELINE
        }
    if foreign := await tables(connection):
        shown = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
        raise MigrationRefused(
            f"this database holds tables ({shown}), but no record that Porta made them: "
            "give Porta a database of its own"
        )
    return {}


async def _prepare(
    connection: Connection, available: Sequence[Migration], seal: adoption.Seal | None
) -> dict[int, Applied]:
    """Create the bookkeeping where it is another's or none, and return what is applied."""
    applied = await _recognise(connection, available)
    if await keeps_our_books(connection):
        return applied
    async with connection.transaction():
        await connection.execute(
            "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
            " checksum TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW())"
        )
        for migration in available:
            if migration.version in applied:
                await _record(connection, migration)
        if applied and seal is not None:
            await adoption.encrypt_keys(connection, seal)
    return applied


def _compare(
    applied: Mapping[int, Applied], available: Sequence[Migration]
) -> dict[int, MigrationStatus]:
    standing = {
        version: MigrationStatus(version, each.name, "unknown", each.at)
        for version, each in applied.items()
    }
    for each in available:
        found = applied.get(each.version)
        if found is None:
            standing[each.version] = MigrationStatus(each.version, each.name, "pending")
            continue
        state = "applied" if found.checksum in each.checksums else "changed"
        standing[each.version] = MigrationStatus(each.version, each.name, state, found.at)
    return standing


def _pending(applied: Mapping[int, Applied], available: Sequence[Migration]) -> list[Migration]:
    """Return what is to be applied; refuse where something applied has changed."""
    changed = [
        each
        for each in available
        if each.version in applied and applied[each.version].checksum not in each.checksums
    ]
    if changed:
        raise MigrationRefused(
            f"{', '.join(_names(changed))} changed after being applied: restore what was applied"
        )
    return [each for each in available if each.version not in applied]


def _names(listed: Sequence[Migration]) -> list[str]:
    return [_name(each) for each in listed]


def _name(migration: Migration) -> str:
    return f"{migration.version:04}_{migration.name}"
