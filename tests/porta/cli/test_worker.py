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

from storage.postgres import notifications
from storage.postgres.driver import Postgres
from tests.world.ports import free_port
from tests.world.waiting import eventually

ROOT = Path(__file__).parents[3]
_QUIET = 30.0
"""Seconds that are measured."""
_IDLE_SHARE = 0.005
"""Of a core."""
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


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_an_idle_server_and_an_idle_worker_take_next_to_no_cpu(
    fresh_database_url: str, tmp_path: Path
) -> None:
    """As operators meet it: whole processes, after the half minute in which they stay alert."""
    logs = tmp_path / "server.log", tmp_path / "worker.log"
    async with (
        _running("serve", logs[0], fresh_database_url, JOBS_IN_SERVER="false") as server,
        _running("worker", logs[1], fresh_database_url) as worker,
    ):
        await _says(logs[0], "server.ready")
        await _says(logs[1], "worker.ready")
        await asyncio.sleep(notifications.AWAKE + 5.0)
        before = [_cpu(each) for each in (server, worker)]
        assert min(before) > 0.1, "a process is measured, and its start was dear"
        await asyncio.sleep(_QUIET)
        spent = [_cpu(each) - at for each, at in zip((server, worker), before, strict=True)]
    shares = [each / _QUIET for each in spent]
    print(f"of a core, idle: server {shares[0]:.2%}, worker {shares[1]:.2%}")
    assert max(shares) < _IDLE_SHARE, shares


def _cpu(process: asyncio.subprocess.Process) -> float:
    """Return the seconds of CPU that a process has taken, its threads included (proc(5))."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
