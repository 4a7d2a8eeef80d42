"""Start-up check: what a server makes sure of before it listens."""

from __future__ import annotations

from porta.observability import clock_skew
from porta.runtime import Runtime
from porta.services import signing_keys, users
from storage.errors import StorageError
from storage.postgres import migrate


class SchemaOutdated(StorageError):
    """The database lacks migrations of this version."""


async def check_schema(database_url: str) -> None:
    """Raise SchemaOutdated where migrations of this version are not applied."""
    missing = await migrate.check(database_url)
    if missing:
        first = f"{missing[0].version:04}_{missing[0].name}"
        raise SchemaOutdated(f"{len(missing)} migrations are not applied, from {first} on")


async def prepare(runtime: Runtime) -> None:
    """Check the schema, compare the clocks, see to it that every algorithm has a key, and read the
    configuration.

    Raises SchemaOutdated, NoUsableKey where this process can sign with no key of an algorithm,
    Conflict where it may not add one, and StorageError.
    """
    await check_schema(runtime.settings.database_url)
    await clock_skew.measure(runtime)
    await signing_keys.ensure(
        runtime.storage,
        bytes.fromhex(runtime.settings.signing_key_encryption_key),
        now=runtime.clock(),
        lead=0,
    )
    await runtime.snapshot()
    await users.expect_stored_costs(runtime.storage, runtime.passwords)
