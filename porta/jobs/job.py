"""Job: a line of the table JOBS, and one execution of it under a lease."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from porta.outbox.queue import Kind
from porta.runtime import Runtime
from storage.models.jobs import ClaimedJob
from storage.router import Storage

_PROGRESS_INTERVAL = 1.0
"""Seconds between two notes of how far a job is."""


class JobFailed(Exception):
    """A job cannot succeed, however often it is tried: it is a dead letter at once."""


class JobDeferred(Exception):
    """A job cannot be done now, for a reason that people understand: another attempt may do."""


class LeaseLost(Exception):
    """Another worker may have the job by now: whatever this one did not commit is void."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is done for a kind. It may run twice: a worker can die when all but that is done.

    What it does to PostgreSQL takes effect once, where it is done in `Execution.completion`.
    """

    kind: Kind[msgspec.Struct]
    run: Callable[[Execution], Awaitable[None]]
    every: float | None = None
    """Seconds between the end of one run and the next, for a job that recurs."""


class Execution:
    """One attempt at a job, as the function sees it that makes the attempt."""

    def __init__(self, runtime: Runtime, job: Job, claimed: ClaimedJob) -> None:
        self.runtime = runtime
        self.job = job
        self.claimed = claimed
        self.completed = False
        self.again_in: float | None = None
        """Seconds until it recurs, where this run knows better than the job's `every`."""
        self.lease_ends = 0.0
        """By the clock of the event loop."""
        self._noted_at = float("-inf")

    @property
    def payload(self) -> str:
        """JSON, to be decoded by the job's kind."""
        return self.claimed.payload

    async def progress(
        self, done: int, total: int | None = None, message: str | None = None
    ) -> None:
        """Note that `done` of `total` is done, about once a second however often this is called.

        Raises LeaseLost.
        """
        now = asyncio.get_running_loop().time()
        if now - self._noted_at < _PROGRESS_INTERVAL and done != total:
            return
        self._noted_at = now
        job = self.claimed
        jobs = self.runtime.storage.everywhere.jobs
        if not await jobs.progress(job.id, job.lease, done, total, message):
            raise LeaseLost

    @asynccontextmanager
    async def completion(self) -> AsyncIterator[Storage]:
        """Yield a transaction in which the job ends: what is done in it is done exactly once.

        Raises LeaseLost, and rolls back, where the job is another worker's by then.
        """
        async with self.runtime.storage.everywhere.transaction() as tx:
            yield tx
            await self.complete(tx)
        self.completed = True

    async def complete(self, storage: Storage) -> None:
        """Note that the job is done, or when it recurs. Raises LeaseLost."""
        job = self.claimed
        if self.job.every is not None and job.scheduled:
            held = await storage.jobs.again(job.id, job.lease, self.again_in or self.job.every)
        else:
            held = await storage.jobs.complete(job.id, job.lease)
        if not held:
            raise LeaseLost
