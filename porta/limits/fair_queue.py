"""A fair queue: a bounded pool of threads with bounded places before it, shared between askers.

Whoever asks for much is refused, not the newcomer: an address block has a few places, and more only
while half of all are free; where every place is taken, whoever has most of them gives one up.
Tenants take turns, and within each its address blocks.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from porta.errors import Unavailable

_Result = TypeVar("_Result")
_SHARE = 16
"""The 16th part of the places is what an address block always may have: 4 of 66."""


class Asker(NamedTuple):
    """Who asks for work: the organization, and the address block; both empty for Porta itself."""

    tenant: str = ""
    block: str = ""


@dataclass(eq=False, slots=True)
class _Job:
    work: Callable[[], Any]
    asker: Asker
    answer: asyncio.Future[Any]


class FairQueue:
    """Runs work in threads. One event loop uses it, and all of its state is changed there."""

    def __init__(self, *, workers: int, waiting: int, name: str) -> None:
        """`workers` jobs run at once, and `waiting` more have a place."""
        self._executor = ThreadPoolExecutor(max(1, workers), thread_name_prefix=name)
        self._workers, self._room = workers, workers + waiting
        self._running = 0
        self._lines: dict[str, dict[str, deque[_Job]]] = {}
        self._tenants: Counter[str] = Counter()
        self._blocks: Counter[str] = Counter()
        self._closed = False

    def check_room(self, asker: Asker) -> None:
        """Raise Unavailable where `asker` would be refused now."""
        if self._closed:
            raise Unavailable("this instance is stopping", retry_after=1)
        scarce = 2 * self._tenants.total() >= self._room
        many = asker.block and self._blocks[asker.block] >= max(1, self._room // _SHARE)
        if (scarce and many) or (self._is_full() and self._greedier(asker) is None):
            raise Unavailable("too many sign-ins at once", retry_after=1)

    async def run(self, work: Callable[[], _Result], asker: Asker) -> _Result:
        """Return what `work` does in a thread. Raises Unavailable, before or while it waits."""
        self.check_room(asker)
        if self._is_full() and (victim := self._greedier(asker)) is not None:
            self._withdraw(victim)
            victim.answer.set_exception(Unavailable("too many sign-ins at once", retry_after=1))
        job = _Job(work, asker, asyncio.get_running_loop().create_future())
        self._count(asker, 1)
        line = self._lines.setdefault(asker.tenant, {}).setdefault(asker.block, deque())
        line.append(job)
        self._dispatch()
        try:
            result: _Result = await job.answer
        except asyncio.CancelledError:
            # A place is the thread's, not the caller's: what runs keeps it until it has ended.
            self._withdraw(job)
            raise
        return result

    def close(self) -> None:
        """Finish what runs, refuse what waits and what comes."""
        self._closed = True
        for job in list(self._waiting()):
            self._withdraw(job)
            if not job.answer.done():
                job.answer.set_exception(Unavailable("this instance is stopping", retry_after=1))
        self._executor.shutdown(wait=True)

    def _is_full(self) -> bool:
        return self._tenants.total() >= self._room

    def _greedier(self, asker: Asker) -> _Job | None:
        """Return the waiting job that makes room: of a tenant, or else of a block, that has more
        places than `asker` would have; the newest one.
        """
        newest_first = list(self._waiting())[::-1]
        tenants, blocks = self._tenants, self._blocks
        by_tenant = max(
            newest_first,
            key=lambda job: (tenants[job.asker.tenant], blocks[job.asker.block]),
            default=None,
        )
        if by_tenant and tenants[by_tenant.asker.tenant] > tenants[asker.tenant] + 1:
            return by_tenant
        by_block = max(newest_first, key=lambda job: blocks[job.asker.block], default=None)
        if by_block and blocks[by_block.asker.block] > blocks[asker.block] + 1:
            return by_block
        return None

    def _waiting(self) -> Iterator[_Job]:
        for lines in self._lines.values():
            yield from chain.from_iterable(lines.values())

    def _withdraw(self, job: _Job) -> None:
        """Take a job that waits out of its line; one that runs stays."""
        line = self._lines.get(job.asker.tenant, {}).get(job.asker.block)
        if line and job in line:
            line.remove(job)
            self._count(job.asker, -1)

    def _count(self, asker: Asker, places: int) -> None:
        for counter, name in ((self._tenants, asker.tenant), (self._blocks, asker.block)):
            counter[name] += places
            if not counter[name]:
                del counter[name]

    def _dispatch(self) -> None:
        while self._running < self._workers and (job := self._next()) is not None:
            self._running += 1
            self._start(job)

    def _next(self) -> _Job | None:
        """Return the first job of the block whose turn it is, of the tenant whose turn it is."""
        while self._lines:
            tenant = next(iter(self._lines))
            lines = self._lines.pop(tenant)
            while lines:
                block = next(iter(lines))
                line = lines.pop(block)
                if line:
                    job = line.popleft()
                    lines[block] = line  # behind all others, and so its tenant
                    self._lines[tenant] = lines
                    return job
        return None

    def _start(self, job: _Job) -> None:
        loop = job.answer.get_loop()

        def ended(future: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._finish, job, future)

        self._executor.submit(job.work).add_done_callback(ended)

    def _finish(self, job: _Job, future: Future[Any]) -> None:
        self._running -= 1
        self._count(job.asker, -1)
        if not job.answer.done():
            if (error := future.exception()) is not None:
                job.answer.set_exception(error)
            else:
                job.answer.set_result(future.result())
        if not self._closed:
            self._dispatch()
