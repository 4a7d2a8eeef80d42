"""`porta worker`, and a server with the queue or without it, as processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from storage.postgres.driver import Postgres
from tests.world.ports import free_port
from tests.world.waiting import eventually

ROOT = Path(__file__).parents[3]
# No worker of this version knows it, and each makes this kind ready all the same.
_DUE = "INSERT INTO jobs (kind, schedule, run_at) VALUES ('purge_expired', 'purge_expired', now())"


@asynccontextmanager
async def _running(
    command: str, log: Path, url: str, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    known = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PORTA_ENV": "production",  # its log can be read by a program
        "PORTA_SKIP_PROD_SAFETY": "true",
        "DATABASE_URL": url,
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "DRAIN_SECONDS": "0",
        "ISSUER_BASE_URL": "http://127.0.0.1:1",
        "COOKIE_KEYS": "k" * 32,
        "SIGNING_KEY_ENCRYPTION_KEY": "ab" * 32,
        **environment,
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "porta", command),
            cwd=log.parent,
            env=known,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _says(log: Path, event: str) -> None:
    async def said() -> bool:
        return event in log.read_text()

    await eventually(said, 60.0)


async def _purged(pg: Postgres) -> bool:
    """Whether somebody has run the job that is due; others may be queued meanwhile."""
    due = "SELECT run_at > now() FROM jobs WHERE NOT ready AND kind = 'purge_expired'"
    return await pg.fetch(due) == [(True,)]


@pytest.mark.parametrize(
    ("command", "environment", "ready"),
    [
        ("worker", {}, "worker.ready"),
        ("worker", {"JOBS_IN_SERVER": "false"}, "worker.ready"),
        ("serve", {}, "server.ready"),
    ],
)
async def test_it_works_off_the_queue_and_ends_when_it_is_told(
    fresh_database_url: str,
    tmp_path: Path,
    command: str,
    environment: dict[str, str],
    ready: str,
) -> None:
    log = tmp_path / "log"
    pg = await Postgres.open(fresh_database_url, 1)
    await pg.execute(_DUE)
    async with _running(command, log, fresh_database_url, **environment) as process:
        await _says(log, ready)
        await eventually(lambda: _purged(pg), 60.0)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0
    await _says(log, ready.replace("ready", "stopped"))
    assert "broken" not in log.read_text()
    await pg.close()


async def test_a_server_without_the_queue_leaves_it_alone(
    fresh_database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    pg = await Postgres.open(fresh_database_url, 1)
    await pg.execute(_DUE)
    async with _running("serve", log, fresh_database_url, JOBS_IN_SERVER="false") as process:
        await _says(log, "server.ready")
        await asyncio.sleep(2)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0
    assert not await _purged(pg)
    await pg.close()


async def test_a_worker_refuses_a_schema_that_is_not_its_own(
    create_database: object, postgres_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with _running("worker", log, postgres_url) as process:
        assert await asyncio.wait_for(process.wait(), 60) == 1
    assert "porta migrate up" in log.read_text()
