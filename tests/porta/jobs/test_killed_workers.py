"""Workers that are killed in the middle of their work: each job takes effect once, none is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.porta.jobs.workers import enqueue
from tests.world.served import settings_for
from tests.world.waiting import eventually

JOBS, KILLS = 1000, 10


async def _effects(pg: Postgres) -> int:
    ((count,),) = await pg.fetch("SELECT count(*) FROM audit_log WHERE event_type = 'admin.import'")
    return int(count)


@pytest.mark.slow
async def test_ten_workers_killed_amid_a_thousand_jobs(fresh_database_url: str) -> None:
    pg = await Postgres.open(fresh_database_url, 2)
    runtime = await Runtime.open(settings_for(fresh_database_url, None))
    await enqueue(runtime, *range(JOBS))
    await runtime.close()
    nursery = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.porta.jobs.worker_processes", fresh_database_url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    alive: list[int] = []
    interrupted = 0
    try:
        for kill in range(KILLS + 1):
            nursery.stdin.write(b"\n")
            alive.append(int(await nursery.stdout.readline()))
            if kill == KILLS:
                break
            before = await _effects(pg)

            async def at_work(before: int = before) -> bool:
                return await _effects(pg) >= before + 40

            await eventually(at_work, 60.0)
            os.kill(alive.pop(), signal.SIGKILL)
            ((held,),) = await pg.fetch("SELECT count(*) FROM jobs WHERE lease IS NOT NULL")
            interrupted += held

        async def empty() -> bool:
            return not await pg.fetch("SELECT 1 FROM jobs WHERE done_at IS NULL LIMIT 1")

        await eventually(empty, 90.0)
    finally:
        for process in alive:
            os.kill(process, signal.SIGKILL)
        nursery.stdin.close()
        await nursery.wait()
    assert interrupted > 0, "they were killed in the middle"
    effects = await pg.fetch(
        "SELECT metadata ->> 'n', count(*) FROM audit_log WHERE event_type = 'admin.import'"
        " GROUP BY 1"
    )
    assert sorted((int(n), count) for n, count in effects) == [(n, 1) for n in range(JOBS)]
    assert await pg.fetch("SELECT 1 FROM jobs WHERE dead_at IS NOT NULL OR ready") == []
    await pg.close()
