"""Commands that work on the databases: settings read, storage opened, faults told to a person."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from porta.errors import PortaError
from porta.security.keys import KeyUnusable
from porta.services.startup import SchemaOutdated
from porta.settings import Settings, SettingsInvalid, load_settings
from storage.dsn import DsnInvalid
from storage.errors import StorageError, Unreachable
from storage.migrate import MigrationFailed, MigrationRefused
from storage.postgres import Postgres
from storage.redis import Redis
from storage.router import Storage

_Result = TypeVar("_Result")
_UNKNOWN = ("UndefinedTable", "UndefinedColumn")
_OUR_OWN = (SchemaOutdated, MigrationRefused, MigrationFailed)
"""What we refuse, or tell, in whole sentences of our own."""


def settings_or_exit() -> Settings:
    """Return the settings, or end the command with everything that is wrong with them."""
    try:
        return load_settings()
    except SettingsInvalid as fault:
        lines = "\n".join(f"  {problem}" for problem in fault.problems)
        raise click.ClickException(
            f"The settings cannot be used:\n{lines}\n"
            "They come from the environment, or from a file .env in this folder."
        ) from None


@contextmanager
def questions(remedy: str) -> Iterator[None]:
    """Where nobody answers a question, end the command with `remedy`: what to give instead."""
    try:
        yield
    except click.Abort:
        if sys.stdin.isatty():  # Ctrl-C
            raise
        raise click.UsageError(f"There is no terminal to ask at. {remedy}") from None


@contextmanager
def faults_told() -> Iterator[None]:
    """Turn what storage and services raise into a message and exit code 1."""
    try:
        yield
    except DsnInvalid as fault:
        raise click.ClickException(f"DATABASE_URL cannot be used: {fault}.") from None
    except Unreachable as fault:
        raise click.ClickException(_away(fault)) from None
    except _OUR_OWN as fault:
        said = _line(fault)
        advice = " Apply them with: porta migrate up" if isinstance(fault, SchemaOutdated) else ""
        raise click.ClickException(f"{said[:1].upper()}{said[1:]}.{advice}") from None
    except StorageError as fault:
        outdated = str(fault).startswith(_UNKNOWN)
        advice = " Is it migrated? Try: porta migrate up" if outdated else ""
        raise click.ClickException(f"The database refused: {_line(fault)}.{advice}") from None
    except PortaError as fault:
        raise click.ClickException(fault.message) from None
    except KeyUnusable as fault:
        raise click.ClickException(str(fault)) from None


def _away(fault: Unreachable) -> str:
    """Tell in one line which database does not answer, and where its address is set."""
    said = _line(fault)
    redis = said.startswith("Redis")
    product, variable = ("Redis", "REDIS_URL") if redis else ("PostgreSQL", "DATABASE_URL")
    if not said.startswith((f"{product} at ", f"{product} does", f"{product} refuses")):
        # A connection that stood, or one that nobody got to see: these know no address.
        said = f"{product} does not answer: {said.removeprefix('Redis: ')}"
    return f"{said}. Check {variable}."


def _line(fault: Exception) -> str:
    return " ".join(str(fault).split())


def rfc3339(moment: float) -> str:
    """Return seconds since the epoch as RFC 3339, in UTC and to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def with_storage(settings: Settings, work: Callable[[Storage], Awaitable[_Result]]) -> _Result:
    """Open the storage, await `work`, close it; what is refused ends the command with advice."""

    async def opened() -> _Result:
        storage = await Storage.open(settings.database_url, settings.redis_url, pool_size=2)
        try:
            return await work(storage)
        finally:
            await storage.close()

    with faults_told():
        return asyncio.run(opened())


def ping(settings: Settings) -> tuple[dict[str, str], list[str]]:
    """Connect to each database; return `ok`, `error` or `not configured` for each, and why not."""

    async def both() -> dict[str, str | None]:
        asked = {"database": _ask_postgres(settings.database_url)}
        if settings.redis_url:
            asked["redis"] = _ask_redis(settings.redis_url)
        faults = await asyncio.gather(*map(_fault, asked.values()))
        return dict(zip(asked, faults, strict=True))

    faults = asyncio.run(both())
    states = {"database": "ok", "redis": "not configured"}
    states |= {name: "ok" if fault is None else "error" for name, fault in faults.items()}
    return states, [fault for fault in faults.values() if fault]


async def _ask_postgres(url: str) -> None:
    postgres = await Postgres.open(url, size=1)
    try:
        await postgres.execute("SELECT 1")
    finally:
        await postgres.close()


async def _ask_redis(url: str) -> None:
    redis = await Redis.open(url)
    try:
        await redis.command("PING")
    finally:
        await redis.close()


async def _fault(question: Coroutine[Any, Any, None]) -> str | None:
    try:
        await question
    except Unreachable as fault:
        return _away(fault)
    except (StorageError, ValueError) as fault:
        return str(fault) or type(fault).__name__
    return None
