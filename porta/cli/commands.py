"""Commands that work on the databases: settings read, storage opened, errors told to a person."""

from __future__ import annotations

import asyncio
import io
import logging
import select
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import click

from porta.cli.settings_report import report_settings
from porta.config.settings import Settings, load_settings
from porta.config.single_settings import (
    StoreSettings,
    find_signing_key_encryption_keys,
    load_some,
)
from porta.errors import PortaError
from porta.security.audit_keys import AuditKeys
from porta.security.keys import KeyUnusable
from porta.services import startup
from porta.services.startup import NotIsolated, SchemaOutdated
from storage.errors import AssetsUnusable, Refused, StorageError, Unreachable
from storage.opening import open_redis
from storage.postgres import isolation
from storage.postgres.driver import Postgres
from storage.postgres.dsn import DsnInvalid
from storage.postgres.migrate import MigrationFailed, MigrationRefused
from storage.redis import breaker
from storage.redis.breaker import Trouble
from storage.repositories.trial import Trial
from storage.router import Storage

_Result = TypeVar("_Result")
_Some = TypeVar("_Some")
_UNKNOWN = ("UndefinedTable", "UndefinedColumn")
# What it would say is told to a person here; the log of a server has a handler of its own.
logging.getLogger(breaker.__name__).addHandler(logging.NullHandler())
_OUR_OWN = (AssetsUnusable, NotIsolated, SchemaOutdated, MigrationRefused, MigrationFailed)
"""What we refuse, or tell, in whole sentences of our own."""


def settings_or_exit() -> Settings:
    """Return the settings, or end the command with everything that is wrong with them."""
    with report_settings():
        return load_settings()


def some_settings_or_exit(wanted: type[_Some]) -> _Some:
    """Return the settings that are fields of the dataclass `wanted`, or end as above."""
    with report_settings():
        return load_some(wanted)


@contextmanager
def prompts(remedy: str) -> Iterator[None]:
    """Where nobody answers a question, end the command with `remedy`: what to give instead.

    Nothing is asked where that is known beforehand.
    """
    refusal = click.UsageError(f"There is no terminal to ask at. {remedy}")
    if _nobody_answers():
        raise refusal
    try:
        yield
    except click.Abort:
        if sys.stdin.isatty():  # Ctrl-C
            raise
        raise refusal from None


def confirm(question: str) -> None:
    """Ask, and end the command unless the answer is yes. Where nobody answers, `--yes` does."""
    with prompts("Give --yes."):
        sure = click.confirm(question, err=True)
    if not sure:
        raise click.Abort


def _nobody_answers() -> bool:
    """Whether standard input is over already: closed, /dev/null, the end of a pipe."""
    if sys.stdin is None or sys.stdin.closed:
        return True
    try:
        waits, _, _ = select.select([sys.stdin], [], [], 0)
    except (OSError, ValueError):  # no file of the system: nothing can be told
        return False
    if not waits or sys.stdin.isatty():
        return False
    return isinstance(sys.stdin.buffer, io.BufferedReader) and not sys.stdin.buffer.peek(1)


@contextmanager
def report_errors() -> Iterator[None]:
    """Turn what storage and services raise into a message and exit code 1."""
    try:
        yield
    except DsnInvalid as error:
        raise click.ClickException(f"DATABASE_URL cannot be used: {error}.") from None
    except Unreachable as error:
        raise click.ClickException(_away(error)) from None
    except _OUR_OWN as error:
        said = _line(error)
        advice = " Apply them with: porta migrate up" if isinstance(error, SchemaOutdated) else ""
        raise click.ClickException(f"{said[:1].upper()}{said[1:]}.{advice}") from None
    except StorageError as error:
        outdated = str(error).startswith(_UNKNOWN)
        advice = " Is it migrated? Try: porta migrate up" if outdated else ""
        raise click.ClickException(f"The database refused: {_line(error)}.{advice}") from None
    except PortaError as error:
        raise click.ClickException(error.message) from None
    except KeyUnusable as error:
        raise click.ClickException(str(error)) from None


def _away(error: Unreachable) -> str:
    """Tell in one line which database does not answer, and where its address is set."""
    said = _line(error)
    redis = said.startswith("Redis")
    product, variable = ("Redis", "REDIS_URL") if redis else ("PostgreSQL", "DATABASE_URL")
    if not said.startswith((f"{product} at ", f"{product} does", f"{product} refuses")):
        # A connection that stood, or one that nobody got to see: these know no address.
        said = f"{product} does not answer: {said.removeprefix('Redis: ')}"
    return f"{said}. Check {variable}."


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def rfc3339(moment: float) -> str:
    """Return seconds since the epoch as RFC 3339, in UTC and to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def with_storage(
    settings: Settings | StoreSettings,
    work: Callable[[Storage], Awaitable[_Result]],
    *,
    tentative: bool = False,
) -> _Result:
    """Open the storage, await `work`, close it; what is refused ends the command with advice.

    Who only reads needs no key of the audit trail, nor does what is `tentative`: it is rolled back.
    What would be recorded without one is refused, and undone.
    """
    keys = audit_keys_at_hand()
    without = None if tentative else _refuse_to_record
    stamp = keys.stamp if keys is not None else without

    async def opened() -> _Result:
        storage = await Storage.open(
            settings.database_url, settings.redis_url, pool_size=2, stamp=stamp
        )
        if storage.redis_trouble is not None:
            click.echo(_redis_away(storage.redis_trouble), err=True)
        try:
            return await work(storage.everywhere)
        finally:
            await storage.close()

    with report_errors():
        return asyncio.run(opened())


def audit_keys_at_hand() -> AuditKeys | None:
    """Return the keys of the audit trail, derived from SIGNING_KEY_ENCRYPTION_KEY where it is set.

    What is recorded without it would not be proven to be ours.
    """
    with report_settings():
        keys = find_signing_key_encryption_keys()
    return AuditKeys(keys) if keys else None


def _refuse_to_record(told: bytes) -> str:
    """Make no authentication code: what needs one is rolled back with its transaction."""
    del told
    raise click.ClickException(
        "SIGNING_KEY_ENCRYPTION_KEY is not set. What this does is recorded in the audit trail, and"
        " without the key of the servers it could not be told from what somebody else wrote there."
        " Nothing is changed."
    )


def ping(settings: StoreSettings) -> tuple[dict[str, str], list[str]]:
    """Try a write of each database; return how each is, and why those that are not well.

    `ok`, `not migrated`, `not configured`; `degraded` where a server goes on without it; `error`.
    """

    async def both() -> dict[str, tuple[str, str | None]]:
        asked = {"database": _postgres(settings.database_url)}
        if settings.redis_url:
            asked["redis"] = _redis(settings.redis_url, settings.redis_deadline_seconds)
        return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))

    found = asyncio.run(both())
    states = {"database": "ok", "redis": "not configured"}
    states |= {name: state for name, (state, _) in found.items()}
    return states, [problem for _, problem in found.values() if problem]


async def _postgres(url: str) -> tuple[str, str | None]:
    try:
        postgres = await Postgres.open(url, size=1, isolated=True)
        try:
            await Trial(postgres).write()
            isolated = await isolation.is_active(postgres)
        finally:
            await postgres.close()
    except Unreachable as error:
        return "error", _away(error)
    except (StorageError, ValueError) as error:
        if str(error).startswith("UndefinedTable"):
            return "not migrated", None
        return "error", str(error) or type(error).__name__
    return "ok", None if isolated else startup.NOT_ISOLATED


async def _redis(url: str, deadline: float) -> tuple[str, str | None]:
    try:
        redis = await open_redis(url, deadline)
    except Refused as error:  # It answered, and a server would not start.
        return "error", _away(error)
    except (StorageError, ValueError) as error:
        return "error", str(error) or type(error).__name__
    trouble = redis.trouble
    await redis.close()
    return ("ok", None) if trouble is None else ("degraded", _redis_away(trouble))


def _redis_away(trouble: Trouble) -> str:
    return f"Redis takes no writes, and is done without: {trouble.reason}"
