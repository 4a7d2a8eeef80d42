"""Commands that work on the databases: settings read, storage opened, faults told to a person."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from porta.errors import PortaError
from porta.security.keys import KeyUnusable
from porta.settings import Settings, SettingsInvalid, load_settings
from storage.errors import StorageError, Unreachable
from storage.postgres import Postgres
from storage.redis import Redis
from storage.router import Storage

_Result = TypeVar("_Result")


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
def faults_told() -> Iterator[None]:
    """Turn what storage and services raise into a message and exit code 1."""
    try:
        yield
    except Unreachable as fault:
        raise click.ClickException(
            f"A database does not answer ({fault}). Check DATABASE_URL and REDIS_URL."
        ) from None
    except StorageError as fault:
        raise click.ClickException(
            f"The database refused: {fault}. Is it migrated? Try: porta migrate up"
        ) from None
    except PortaError as fault:
        raise click.ClickException(fault.message) from None
    except KeyUnusable as fault:
        raise click.ClickException(str(fault)) from None


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


def ping(settings: Settings) -> dict[str, str]:
    """Connect to each database; return `ok`, `error` or `not configured` for each."""

    async def both() -> dict[str, str]:
        url = settings.redis_url
        return {
            "database": await _state(_ask_postgres(settings.database_url)),
            "redis": await _state(_ask_redis(url)) if url else "not configured",
        }

    return asyncio.run(both())


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


async def _state(question: Coroutine[Any, Any, None]) -> str:
    try:
        await question
    except (StorageError, ValueError) as fault:
        click.echo(str(fault), err=True)
        return "error"
    return "ok"
