"""The PostgreSQL and the Redis of a test run, started when they are first asked for."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from porta.dev.servers import RunningServer, start_postgres, start_redis
from storage.postgres.driver import Postgres

_UNSAFE_BUT_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"} | {
    "autovacuum": "off",  # of hundreds of databases it would open ten in every second
}
WORKERS = 2 * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4
"""Processes that share the tests of `make test`."""
_CONNECTIONS = 200 + 40 * WORKERS
"""Each worker has a few pools of ten."""
T = TypeVar("T")


class Servers:
    """Both servers, each started when it is first asked for."""

    def __init__(self) -> None:
        self._running: dict[str, RunningServer] = {}

    @cached_property
    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        """Made when it is needed: a worker of xdist starts nothing."""
        folder = tempfile.TemporaryDirectory(prefix="porta-tests-", ignore_cleanup_errors=True)
        Path(folder.name).chmod(0o755)
        return folder

    @property
    def postgres(self) -> str:
        if "postgres" not in self._running:
            self._running["postgres"] = start_postgres(
                Path(self._folder.name) / "postgres",
                url=os.environ.get("DATABASE_URL"),
                settings=_UNSAFE_BUT_FAST | {"max_connections": str(_CONNECTIONS)},
            )
        return self._running["postgres"].url

    @property
    def redis(self) -> str:
        if "redis" not in self._running:
            self._running["redis"] = start_redis(
                Path(self._folder.name) / "redis", url=os.environ.get("REDIS_URL")
            )
        return self._running["redis"].url

    @property
    def has_redis(self) -> bool:
        """Whether somebody has asked for it."""
        return "redis" in self._running

    def stop(self) -> None:
        for server in self._running.values():
            server.discard()
        if self._running:
            self._folder.cleanup()


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own, in a thread: the tests' loop is not disturbed."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def with_database(url: str, name: str) -> str:
    """Return `url` with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def administer(url: str, sql: str) -> None:
    postgres = await Postgres.open(url, size=1, statement_timeout=0)
    try:
        await postgres.execute(sql)
    finally:
        await postgres.close()
