"""Worker: claims jobs of the queue, runs a few at a time, and keeps their leases."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable

from porta.jobs.attempt import attempt
from porta.jobs.job import Execution, Job
from porta.runtime import Runtime
from storage.errors import StorageError
from storage.models.jobs import ClaimedJob
from storage.repositories.jobs import ANYBODY, NOBODY

_LOG = logging.getLogger(__name__)
_JITTER = random.SystemRandom()
LEASE = 30.0
"""Seconds after which the jobs of a worker that is silent are others'; renewed at every third."""
BUSY_POLL, IDLE_POLL = 1.0, 10.0
"""Seconds between two looks at the queue, while there is work and while there is none."""
_BUSY_FOR = 5.0
"""Seconds after the last job for which there is work to be expected."""


class Worker:
    """Works until it is stopped or cancelled, and gives back what it has not finished then."""

    def __init__(
        self,
        runtime: Runtime,
        jobs: Iterable[Job],
        *,
        concurrency: int = 5,
        lease: float = LEASE,
    ) -> None:
        self._runtime = runtime
        self._jobs = {job.kind.name: job for job in jobs}
        self._kinds = tuple(self._jobs)
        self._concurrency = concurrency
        self._lease = lease
        self._running: dict[asyncio.Task[None], Execution] = {}
        self._claiming: asyncio.Task[ClaimedJob | None] | None = None
        self._wake = asyncio.Event()
        self._patience: float | None = None
        self._after = ANYBODY
        self._look_at = self._busy_until = float("-inf")
        self._scheduled = self._failing = self._more = False

    async def run(self) -> None:
        """Work; what fails is logged, and tried again."""
        unsubscribe = self._runtime.storage.on_change(self._heard)
        keeper = asyncio.create_task(self._keep_leases())
        try:
            while self._patience is None:
                await self._rest(await self._turn())
            if self._running:
                await asyncio.wait(self._running, timeout=self._patience)
        finally:
            unsubscribe()
            await self._give_up(keeper)

    def stop(self, patience: float) -> None:
        """Take up nothing more; end when what runs is done, in `patience` seconds at most."""
        self._patience = patience
        self._wake.set()

    async def _turn(self) -> float:
        """Take up what there is; return for how many seconds nothing more is to be expected."""
        try:
            pause = await self._take_up()
        except StorageError as error:
            if not self._failing:
                _LOG.warning("jobs.away", extra={"error": str(error)})
            self._failing = True
            return BUSY_POLL * _JITTER.uniform(1.0, 3.0)
        except Exception:
            # Whatever it was: what is queued must not wait for somebody to read this.
            _LOG.exception("jobs.broken")
            return IDLE_POLL
        self._failing = False
        return pause

    async def _take_up(self) -> float:
        loop, storage = asyncio.get_running_loop(), self._runtime.storage.everywhere
        if not self._scheduled:
            recurring = {n: job.every for n, job in self._jobs.items() if job.every is not None}
            await storage.jobs.schedule(recurring)
            self._scheduled = True
        pause = IDLE_POLL
        if not self._more or loop.time() >= self._look_at:
            self._look_at = loop.time() + BUSY_POLL
            due = await storage.jobs.wake(self._kinds)
            self._more = due.ready
            if due.next is not None:
                pause = min(pause, due.next + 0.01)
        while self._more and len(self._running) < self._concurrency and self._patience is None:
            self._more = await self._take()
        if self._running or self._more or loop.time() < self._busy_until:
            pause = min(pause, BUSY_POLL)
        return pause

    async def _take(self) -> bool:
        """Claim a job and begin it; tell whether there was one."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._lease
        # Never abandoned: the server would go on, and give a lease to nobody.
        self._claiming = loop.create_task(
            self._runtime.storage.everywhere.jobs.claim(
                self._kinds, lease=self._lease, after=self._after, full=self._full_queue()
            )
        )
        claimed = await asyncio.shield(self._claiming)
        if self._patience is not None:
            return False  # stopped meanwhile: `_give_up` gives it back
        self._claiming = None
        if claimed is None:
            return False
        self._after = claimed.organization_id or ANYBODY
        execution = Execution(self._runtime, self._jobs[claimed.kind], claimed)
        execution.lease_ends = ends
        task = loop.create_task(attempt(execution))
        self._running[task] = execution
        task.add_done_callback(self._ended)
        if not claimed.scheduled:  # what recurs brings nothing after it (idle budget)
            self._busy_until = loop.time() + _BUSY_FOR
        return True

    def _full_queue(self) -> str:
        """Return the queue that has all places but one: that one is for the others."""
        held = Counter(e.claimed.organization_id or ANYBODY for e in self._running.values())
        for queue, places in held.items():
            if places >= self._concurrency - 1 > 0:
                return queue
        return NOBODY

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._wake.set()

    def _heard(self, table: str, key: str) -> None:
        if table == "*" or (table == "jobs" and not key):
            self._more = True
            self._wake.set()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            if self._running:
                await self._extend()

    async def _extend(self) -> None:
        loop = asyncio.get_running_loop()
        running = dict(self._running)
        ends = loop.time() + self._lease
        try:
            jobs = self._runtime.storage.everywhere.jobs
            held = await jobs.extend(_leases(running.values()), self._lease)
        except StorageError:
            held = None
        for task, execution in running.items():
            if held is not None and execution.claimed.id in held:
                execution.lease_ends = ends
            elif held is not None or loop.time() >= execution.lease_ends:
                # Another has it, or may: two at a time is what nobody asked for.
                about = {"job": execution.claimed.kind, "job_id": execution.claimed.id}
                _LOG.warning("job.lease_lost", extra=about)
                task.cancel()

    async def _give_up(self, keeper: asyncio.Task[None]) -> None:
        """Cancel what still runs, and give its leases back, that others need not wait for them."""
        left = dict(self._running)
        for task in (keeper, *left):
            task.cancel()
        await asyncio.gather(keeper, *left, return_exceptions=True)
        leases = _leases(e for e in left.values() if not e.completed)
        if self._claiming is not None:
            await asyncio.wait({self._claiming})
            if self._claiming.exception() is None and (late := self._claiming.result()):
                leases[late.id] = late.lease
        if leases:
            try:
                await self._runtime.storage.everywhere.jobs.release(leases)
            except StorageError as error:
                _LOG.warning("jobs.not_given_back", extra={"error": str(error)})


def _leases(executions: Iterable[Execution]) -> dict[int, str]:
    return {each.claimed.id: each.claimed.lease for each in executions}
