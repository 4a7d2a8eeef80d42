"""What Porta 1.x sends while the database is migrated, and how long each statement took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from storage.postgres.driver import Postgres
from tests.succession import porta_1x

_STATEMENTS = {
    "audit": porta_1x.WRITES["an entry of the audit log"],
    "sign-in": porta_1x.WRITES["a sign-in"],
    "person": f"SELECT * FROM users WHERE id = '{porta_1x.CLEO}'",
    "client": "SELECT * FROM clients WHERE client_id = 'dock-web'",
    "log": f"SELECT id FROM audit_log WHERE organization_id = '{porta_1x.DOCK}'"
    " ORDER BY created_at DESC LIMIT 20",
}
_STRONG = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
_HELD = """
    SELECT l.relation::regclass::text, l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.granted AND l.locktype = 'relation' AND a.application_name LIKE 'porta migrate%%'
        AND l.mode = ANY(%(modes)s) AND l.relation = ANY(%(tables)s::regclass[])
"""
_TABLES = ["audit_log", "users", "clients", "organizations", "oidc_payloads", "signing_keys"]


@dataclass(slots=True)
class Traffic:
    """What was seen. Times are in seconds."""

    sent: int = 0
    stalls: dict[str, float] = field(default_factory=dict)
    """The longest of each statement."""
    holds: dict[tuple[str, str], float] = field(default_factory=dict)
    """For how long at most a lock that keeps writers out was seen to be held, by table and mode."""

    @property
    def longest_stall(self) -> float:
        return max(self.stalls.values(), default=0.0)

    @property
    def longest_hold(self) -> float:
        return max(self.holds.values(), default=0.0)


@asynccontextmanager
async def traffic(url: str, *, lanes: int = 4, pause: float = 0.005) -> AsyncIterator[Traffic]:
    """Send statements of 1.x, and watch the locks of migrations, until the context ends."""
    seen = Traffic()
    pg = await Postgres.open(url, lanes + 1, statement_timeout=0)
    tasks = [asyncio.create_task(_send(pg, seen, lane, pause)) for lane in range(lanes)]
    tasks.append(asyncio.create_task(_watch(pg, seen)))
    try:
        yield seen
        for task in tasks:
            if task.done():
                task.result()  # no statement of 1.x may fail
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await pg.close()


async def _send(pg: Postgres, seen: Traffic, lane: int, pause: float) -> None:
    names = list(_STATEMENTS)
    async with pg.connection() as connection:
        for number in range(lane, 10**9):
            name = names[number % len(names)]
            began = time.monotonic()
            await connection.execute(_STATEMENTS[name])
            took = time.monotonic() - began
            seen.stalls[name] = max(seen.stalls.get(name, 0.0), took)
            seen.sent += 1
            await asyncio.sleep(pause)


async def _watch(pg: Postgres, seen: Traffic) -> None:
    since: dict[tuple[str, str], float] = {}
    async with pg.connection() as connection:
        while True:
            asked = time.monotonic()
            rows = await connection.fetch(_HELD, {"modes": list(_STRONG), "tables": _TABLES})
            held = {(table, mode) for table, mode in rows}
            since = {key: since.get(key, asked) for key in held}
            for key, began in since.items():
                seen.holds[key] = max(seen.holds.get(key, 0.0), time.monotonic() - began)
            await asyncio.sleep(0.005)
