"""Start-up and signals: what a process makes sure of before it works, and what ends it."""

from __future__ import annotations

import asyncio
import logging
import signal

from porta.config.settings import Settings
from porta.observability import clock_skew
from porta.runtime import Runtime
from porta.services import signing_keys, user_passwords
from storage.errors import StorageError
from storage.postgres import migrate

_LOG = logging.getLogger(__name__)
NOT_ISOLATED = (
    "PostgreSQL hides no organization from another here: porta migrate up switches that on, or"
    " tells what somebody with more rights has to run first"
)


class NotIsolated(StorageError):
    """Row-level security is off, and the settings do not let a server go on without."""


class SchemaOutdated(StorageError):
    """The database lacks migrations of this version."""


async def check_schema(database_url: str) -> None:
    """Raise SchemaOutdated where migrations of this version are not applied."""
    missing = await migrate.unapplied(database_url)
    if missing:
        first = f"{missing[0].version:04}_{missing[0].name}"
        raise SchemaOutdated(f"{len(missing)} migrations are not applied, from {first} on")


async def check_isolation(runtime: Runtime) -> None:
    """Raise NotIsolated in production where row-level security is off; else warn of that."""
    if await runtime.storage.is_isolated():
        return
    settings = runtime.settings
    if settings.environment == "production" and not settings.database_without_isolation:
        raise NotIsolated(f"{NOT_ISOLATED}; DATABASE_WITHOUT_ISOLATION=true goes on without")
    _LOG.warning("postgres.not_isolated", extra={"advice": NOT_ISOLATED})


async def prepare(runtime: Runtime) -> None:
    """Check the schema and that organizations are isolated, compare the clocks, see to it that
    every algorithm has a key, and read the configuration.

    Raises SchemaOutdated, NotIsolated, NoUsableKey where this process can sign with no key of an
    algorithm, Conflict where it may not add one, and StorageError.
    """
    await check_schema(runtime.settings.database_url)
    await check_isolation(runtime)
    await clock_skew.measure(runtime)
    await signing_keys.ensure(
        runtime.storage.everywhere,
        runtime.settings.signing_key_encryption_keys,
        now=runtime.clock(),
        lead=0,
    )
    await runtime.snapshot()
    await user_passwords.expect_stored_costs(runtime.storage.everywhere, runtime.passwords)


def stop_on_signals() -> asyncio.Event:
    """Return what is set by SIGTERM or SIGINT, from now on."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def opened(settings: Settings, stopping: asyncio.Event) -> Runtime | None:
    """Open what a process needs, which may take its time; None when it is to stop before.

    Raises StorageError.
    """
    opening, stop = (
        asyncio.create_task(Runtime.open(settings)),
        asyncio.create_task(stopping.wait()),
    )
    await asyncio.wait({opening, stop}, return_when=asyncio.FIRST_COMPLETED)
    if opening.done():
        stop.cancel()
        return opening.result()
    opening.cancel()
    await asyncio.wait({opening})
    return None
