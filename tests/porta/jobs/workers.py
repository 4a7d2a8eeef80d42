"""Workers for tests: their life as a context, and kinds of jobs to be watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

from porta.jobs.job import Execution, Job
from porta.jobs.worker import Worker
from porta.outbox import queue
from porta.outbox.queue import Kind
from porta.runtime import Runtime


class Number(msgspec.Struct, frozen=True):
    """A payload that tells jobs apart."""

    n: int


WORK = Kind("test_work", Number, max_attempts=3)


def job(run: Callable[[Execution, int], Awaitable[None]], kind: Kind[Number] = WORK) -> Job:
    """Return a job that does `run` with the number it was enqueued with."""
    return Job(kind, lambda execution: run(execution, kind.decode(execution.payload).n))


async def enqueue(runtime: Runtime, *numbers: int, organization_id: str | None = None) -> list[int]:
    """Enqueue a job of WORK for each number, all in one transaction; return their ids."""
    async with runtime.storage.everywhere.transaction() as tx:
        return [
            await queue.enqueue(tx, WORK, Number(n), organization_id=organization_id)
            for n in numbers
        ]


@asynccontextmanager
async def working(
    runtime: Runtime, *jobs: Job, concurrency: int = 5, lease: float = 30.0
) -> AsyncIterator[Worker]:
    """A worker for as long as the block lasts; it is cancelled at its end."""
    worker = Worker(runtime, jobs, concurrency=concurrency, lease=lease)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
