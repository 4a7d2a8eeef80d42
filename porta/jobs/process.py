"""Background work of a process: its tickers, and a worker; in a server, or by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop

from porta.config.settings import Settings
from porta.jobs import JOBS, TICKERS, tickers
from porta.jobs.worker import Worker
from porta.observability.log import configure
from porta.runtime import Runtime
from porta.services import startup

_LOG = logging.getLogger(__name__)
_PATIENCE = 13.0
"""Seconds from SIGTERM until jobs that still run are given back; their worker ends within 15."""


class Work:
    """What runs behind a server, or instead of one."""

    def __init__(self, runtime: Runtime, *, jobs: bool) -> None:
        self._worker = Worker(runtime, JOBS, concurrency=runtime.settings.jobs_concurrency)
        self.tasks = [asyncio.create_task(tickers.run(runtime, TICKERS))]
        if jobs:
            self.tasks.append(asyncio.create_task(self._worker.run()))

    def stop(self, patience: float) -> None:
        """Begin nothing more; what still runs in `patience` seconds is given back."""
        self.tasks[0].cancel()
        self._worker.stop(patience)


@asynccontextmanager
async def at_work(runtime: Runtime, *, jobs: bool) -> AsyncIterator[Work]:
    """Work for as long as the block lasts, and until what was begun has ended once it is told to
    stop. `jobs` says whether the queue is worked off too.
    """
    work = Work(runtime, jobs=jobs)
    try:
        yield work
        await asyncio.wait(work.tasks)
    finally:
        for task in work.tasks:
            task.cancel()
        await asyncio.wait(work.tasks)


def run(settings: Settings) -> None:
    """Work off the queue until SIGTERM or SIGINT; returns when everything is closed.

    Raises StorageError when PostgreSQL does not answer in time at the start.
    """
    configure(level=settings.log_level, json=settings.environment == "production")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings))


async def _work(settings: Settings) -> None:
    stopping = startup.stop_on_signals()
    runtime = await startup.opened(settings, stopping)
    if runtime is None:
        return
    try:
        await startup.prepare(runtime)
        async with at_work(runtime, jobs=True) as work:
            _LOG.info("worker.ready", extra={"concurrency": settings.jobs_concurrency})
            await stopping.wait()
            _LOG.info("worker.draining", extra={"seconds": _PATIENCE})
            work.stop(_PATIENCE)
    finally:
        await runtime.close()
    _LOG.info("worker.stopped")
