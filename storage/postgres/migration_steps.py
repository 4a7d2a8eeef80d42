"""The steps of a migration: each such that who serves meanwhile waits for no more than a moment.

A file is one transaction, unless lines of its own divide it:

    -- step: transaction
    -- step: batches of 1000    a statement, repeated until it touches fewer rows than that
    -- step: concurrently       a statement outside of a transaction: an index beside writers

A file of several steps begins anew when it was interrupted: each of them can be repeated.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from storage.errors import Contended
from storage.postgres.executors import Connection
from storage.postgres.migration_lock import Waiting
from storage.postgres.statement import Executor

_STEP = re.compile(r"^-- step: (transaction|concurrently|batches of (\d+))$", re.MULTILINE)
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+)")
_LOCK_TIMEOUT = 50
"""Milliseconds that a lock is waited for: everybody who comes later waits behind us."""
_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
"""Seconds in which they have their turn."""
_TELL_FIRST, _TELL_AGAIN = 4, 15
"""Attempts: after two seconds, and every half minute."""

_OTHERS = """
    SELECT pid, COALESCE(client_hostname, host(client_addr), 'the server''s own host'), state,
        to_char(xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND xact_start < now() - interval '500 ms'
    ORDER BY xact_start LIMIT 3
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a file. `batch` is how many rows one repetition of it touches at most."""

    sql: str
    batch: int = 0
    concurrently: bool = False


def parse_steps(sql: str) -> tuple[Step, ...]:
    """Return the steps of a file, in order."""
    first, *parts = _STEP.split(sql)
    divided = [Step(first)] if _says_something(first) or not parts else []
    for kind, batch, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        divided.append(Step(text, int(batch or 0), kind == "concurrently"))
    return tuple(divided)


async def run_steps(
    connection: Connection,
    steps: tuple[Step, ...],
    finished: Callable[[Connection], Awaitable[None]],
    waiting: Waiting,
) -> None:
    """Run every step, and `finished` in the transaction of the last one."""
    *before, last = steps
    for step in before:
        if step.batch:
            await _in_batches(connection, step)
        elif step.concurrently:
            await _concurrently(connection, step)
        else:
            await patiently(connection, step.sql, waiting)
    await patiently(connection, last.sql, waiting, finished)


async def patiently(
    connection: Connection,
    sql: str,
    waiting: Waiting,
    finished: Callable[[Connection], Awaitable[None]] | None = None,
) -> None:
    """Run `sql` in a transaction that gives up a lock which is not to be had at once, and begins
    anew a moment later, for as long as it takes.
    """
    attempt, pause = 0, _PAUSE
    while True:
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT}")
                await connection.execute(sql)
                if finished is not None:
                    await finished(connection)
            return
        except Contended:
            attempt += 1
        if attempt % _TELL_AGAIN == _TELL_FIRST:
            waiting(await _who(connection))
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _in_batches(connection: Connection, step: Step) -> None:
    while True:
        try:
            if await connection.execute(step.sql) < step.batch:
                return
        except Contended:
            await asyncio.sleep(_PAUSE)


async def _concurrently(connection: Connection, step: Step) -> None:
    """Build an index beside writers; one that was left half built is built anew."""
    for name in _INDEX.findall(step.sql):
        rows = await connection.fetch(
            "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%(name)s) AND NOT indisvalid",
            {"name": name},
        )
        if rows:
            await connection.execute(f"DROP INDEX CONCURRENTLY {name}")
    await connection.execute(step.sql)


def _says_something(sql: str) -> bool:
    return any(line.strip() and not line.startswith("--") for line in sql.splitlines())


async def _who(connection: Executor) -> str:
    others = [
        f"PostgreSQL process {pid} from {host} ({state}, in a transaction since {since})"
        for pid, host, state, since in await connection.fetch(_OTHERS)
    ]
    return f"waiting for a lock that others hold, {', '.join(others) or 'for short each'}"
