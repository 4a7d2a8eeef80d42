"""The session of whoever migrates: one at a time, gone when its process is."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from storage.postgres.driver import Postgres
from storage.postgres.executors import Connection
from storage.postgres.statement import Executor

_LOCK = 0x706F727461
_POLL = 0.5  # seconds
_REMIND = 30.0  # seconds
Waiting = Callable[[str], object]
"""Is told, in a sentence, what is waited for."""

_HOLDERS = """
    SELECT pid, to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        COALESCE(client_hostname, host(client_addr), 'the server''s own host'), application_name
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND (classid::bigint << 32) + objid::bigint = %(lock)s
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Connection]:
    """One connection for work that may take long. What it runs ends when this process does: the
    server looks every second whether anybody is there to be answered.
    """
    settings = {"client_connection_check_interval": "1000"}
    name = f"porta migrate, process {os.getpid()} on {platform.node()}"
    postgres = await Postgres.open(dsn, size=1, statement_timeout=0, settings=settings)
    try:
        async with postgres.connection() as connection:
            await connection.execute(
                "SELECT set_config('application_name', %(name)s, FALSE)", {"name": name[:63]}
            )
            yield connection
    finally:
        await postgres.close()


@asynccontextmanager
async def locked(dsn: str, waiting: Waiting = lambda told: None) -> AsyncIterator[Connection]:
    """The same, for one process at a time. `waiting` is told for whom, at once and now and then."""
    async with opened(dsn) as connection:
        told_at = float("-inf")
        # Asked again and again: a statement that waits would hold a snapshot, which an index that
        # is built concurrently waits for in turn. The session holds it, and it falls with that.
        while not await _taken(connection):
            now = asyncio.get_running_loop().time()
            if now - told_at >= _REMIND:
                told_at = now
                waiting(await _who(connection))
            await asyncio.sleep(_POLL)
        yield connection


async def _taken(connection: Executor) -> bool:
    rows = await connection.fetch("SELECT pg_try_advisory_lock(%(lock)s)", {"lock": _LOCK})
    return bool(rows[0][0])


async def _who(connection: Executor) -> str:
    holders = [
        f"PostgreSQL process {pid} since {since} from {host} ({name})"
        for pid, since, host, name in await connection.fetch(_HOLDERS, {"lock": _LOCK})
    ]
    return f"waiting for another migration: {', '.join(holders) or 'it has just ended'}"
