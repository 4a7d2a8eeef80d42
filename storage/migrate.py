"""Migrations: numbered SQL files, applied once each, by one runner at a time."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources

from storage.errors import StorageError
from storage.executors import Connection
from storage.postgres import Postgres
from storage.statement import Executor

BASELINE = 12
"""Files up to this number build what Porta 1.x built up to its migration 019."""

_LOCK = 0x706F727461
_LEGACY = (
    "001_extensions",
    "002_organizations",
    "003_applications",
    "004_clients",
    "005_users",
    "006_roles_permissions",
    "007_custom_claims",
    "008_config",
    "009_audit_log",
    "010_oidc_adapter",
    "011_seed",
    "012_two_factor",
    "013_client_secret_sha256",
    "014_login_methods",
    "015_signing_key_encryption",
    "016_failed_login_count",
    "017_audit_retention",
    "018_admin_api_enhancements",
    "019_invitation_details",
)
_LEGACY_OPTIONAL = "020_two_factor_admin_permission"


class MigrationRefused(StorageError):
    """The database is not one that these migrations can be applied to; it was left as it is."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its name without number and ending, its SQL and that SQL's SHA-256."""

    version: int
    name: str
    sql: str
    checksum: str


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """How a migration stands: `applied`, `pending`, `changed` since it was applied, or `unknown`
    (applied by a newer version).
    """

    version: int
    name: str
    state: str


def migrations() -> tuple[Migration, ...]:
    """Return all migrations in order."""
    return tuple(sorted(_read(), key=lambda migration: migration.version))


async def up(dsn: str, available: Sequence[Migration] = ()) -> list[str]:
    """Apply what is pending of the migrations available (none named: all of ours), and return the
    names of the files applied.

    Raises `MigrationRefused` for a database that is neither ours, empty, nor a Porta 1.x at 019 or
    later, and when a file changed after it was applied.
    """
    available = available or migrations()
    async with _locked(dsn) as connection:
        await _prepare(connection, available)
        standing = _compare(await _applied(connection), available)
        _refuse_changed(standing)
        pending = [each for each in available if standing[each.version].state == "pending"]
        for migration in pending:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await _record(connection, migration)
        return [f"{migration.version:04}_{migration.name}" for migration in pending]


async def status(dsn: str) -> list[MigrationStatus]:
    """Return how every migration stands, in order."""
    async with _open(dsn) as connection:
        applied = await _applied(connection) if await _has(connection, "schema_migrations") else {}
        return sorted(_compare(applied, migrations()).values(), key=lambda each: each.version)


async def check(dsn: str) -> list[MigrationStatus]:
    """Return the migrations that are pending or changed: none, when the schema is ours.

    What a newer version has applied is no fault: two versions may serve side by side.
    """
    return [each for each in await status(dsn) if each.state in ("pending", "changed")]


def _read() -> Iterator[Migration]:
    for file in (resources.files("storage") / "migrations").iterdir():
        stem, _, ending = file.name.rpartition(".")
        if ending == "sql":
            number, _, name = stem.partition("_")
            sql = file.read_text(encoding="utf-8")
            yield Migration(int(number), name, sql, hashlib.sha256(sql.encode()).hexdigest())


@asynccontextmanager
async def _open(dsn: str) -> AsyncIterator[Connection]:
    postgres = await Postgres.open(dsn, size=1, statement_timeout=0)
    try:
        async with postgres.connection() as connection:
            yield connection
    finally:
        await postgres.close()


@asynccontextmanager
async def _locked(dsn: str) -> AsyncIterator[Connection]:
    async with _open(dsn) as connection:
        # Held by the session: it falls with the connection, whatever happens to this process.
        await connection.execute("SELECT pg_advisory_lock(%(lock)s)", {"lock": _LOCK})
        yield connection


async def _prepare(connection: Connection, available: Sequence[Migration]) -> None:
    """Create the bookkeeping; take over a database of Porta 1.x, or refuse an unknown one."""
    if await _has(connection, "schema_migrations"):
        return
    legacy = await _has(connection, "pgmigrations")
    if legacy:
        await _check_legacy(connection)
    elif await _has(connection, "organizations"):
        raise MigrationRefused(
            "this database has a table organizations, but no record of who made it: "
            "give Porta a database of its own"
        )
    async with connection.transaction():
        await connection.execute(
            "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
            " checksum TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW())"
        )
        for migration in available if legacy else ():
            if migration.version <= BASELINE:
                await _record(connection, migration)


async def _check_legacy(connection: Connection) -> None:
    names = {row[0] for row in await connection.fetch("SELECT name FROM pgmigrations")}
    unknown = sorted(names - {*_LEGACY, _LEGACY_OPTIONAL})
    missing = [name for name in _LEGACY if name not in names]
    if unknown:
        raise MigrationRefused(
            f"this database was migrated by {', '.join(unknown)}, which Porta 1.x did not have"
        )
    if missing:
        raise MigrationRefused(
            f"this database of Porta 1.x lacks {', '.join(missing)}: "
            "let Porta 1.6.1 migrate it first"
        )


async def _has(connection: Executor, table: str) -> bool:
    row = await connection.fetchrow("SELECT to_regclass(%(table)s) IS NOT NULL", {"table": table})
    return bool(row and row[0])


async def _applied(connection: Executor) -> dict[int, tuple[str, str]]:
    rows = await connection.fetch("SELECT version, name, checksum FROM schema_migrations")
    return {version: (name, checksum) for version, name, checksum in rows}


async def _record(connection: Executor, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO schema_migrations (version, name, checksum)"
        " VALUES (%(version)s, %(name)s, %(checksum)s)",
        {
            "version": migration.version,
            "name": migration.name,
            "checksum": migration.checksum,
        },
    )


def _compare(
    applied: Mapping[int, tuple[str, str]], available: Sequence[Migration]
) -> dict[int, MigrationStatus]:
    standing = {
        version: MigrationStatus(version, name, "unknown") for version, (name, _) in applied.items()
    }
    for each in available:
        state = "pending"
        if each.version in applied:
            state = "applied" if applied[each.version][1] == each.checksum else "changed"
        standing[each.version] = MigrationStatus(each.version, each.name, state)
    return standing


def _refuse_changed(standing: Mapping[int, MigrationStatus]) -> None:
    changed = [
        f"{each.version:04}_{each.name}" for each in standing.values() if each.state == "changed"
    ]
    if changed:
        raise MigrationRefused(f"changed after being applied: {', '.join(changed)}")
