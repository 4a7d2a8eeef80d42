"""A million entries of the audit log, migrated beside a Porta 1.x that serves (succession A4)."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable

import pytest

from storage.postgres import migrate
from storage.postgres.driver import Postgres
from tests.succession import porta_1x
from tests.succession.traffic import Traffic, traffic

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

_ROWS = int(os.environ.get("PORTA_FAULTS_AUDIT_ROWS", "1000000"))
_KILLS = 10
_MOST = 0.2
"""Seconds that a lock which keeps writers out may be held."""
_FILL = """
    INSERT INTO audit_log (organization_id, user_id, event_type, event_category, metadata,
        ip_address, user_agent, created_at)
    SELECT '{dock}', '{cleo}', 'user.login.password', 'authentication', '{{"method": "password"}}',
        '192.0.2.7', repeat('Mozilla/5.0 ', 8), now() - n * interval '30 seconds'
    FROM generate_series(1, {rows}) n
"""


@pytest.fixture
def database_of_1x(create_database: Callable[..., str]) -> str:
    """A database of 1.6.1 with a long audit log."""
    fill = _FILL.format(dock=porta_1x.DOCK, cleo=porta_1x.CLEO, rows=_ROWS)
    return porta_1x.build(create_database, fill)


async def _up(url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "porta", "migrate", "up", "--database-url", url,
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "SIGNING_KEY_ENCRYPTION_KEY": porta_1x.KEY},
    )  # fmt: skip


async def test_succession_A4_a_million_entries_beside_1x(database_of_1x: str) -> None:
    url = database_of_1x
    async with traffic(url) as idle:
        await asyncio.sleep(10)
    _tell("1.x alone", idle)
    async with traffic(url) as seen:
        began = time.monotonic()
        for number in range(_KILLS):
            process = await _up(url)
            await asyncio.wait([asyncio.create_task(process.wait())], timeout=random.uniform(1, 6))
            if process.returncode is not None:
                print(f"  done before the kill of number {number}")
                break
            process.send_signal(signal.SIGKILL)
            await process.wait()
        process = await _up(url)
        assert await process.wait() == 0
        took = time.monotonic() - began
    _tell(f"1.x beside {_ROWS} entries, killed {_KILLS} times, {took:.0f} s in all", seen)
    pg = await Postgres.open(url, 1, statement_timeout=0)
    rows = await pg.fetch("SELECT count(*), count(DISTINCT sequence), min(sequence) FROM audit_log")
    assert rows[0][0] == rows[0][1]
    assert rows[0][2] == 1
    await pg.close()
    assert await migrate.unapplied(url) == []
    assert seen.longest_hold < _MOST


def _tell(what: str, seen: Traffic) -> None:
    print(f"{what}: {seen.sent} statements, longest stall {seen.longest_stall * 1000:.0f} ms")
    for name, stall in sorted(seen.stalls.items()):
        print(f"    {name}: {stall * 1000:.0f} ms")
    for (table, mode), held in sorted(seen.holds.items()):
        print(f"    {mode} on {table}: {held * 1000:.0f} ms")
