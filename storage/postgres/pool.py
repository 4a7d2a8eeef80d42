"""Connection pool: a free list, bounded, swept for deadlines, healed by connecting again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Generic, Protocol, TypeVar

from storage.errors import Unreachable

TICK = 0.25
"""Seconds between two sweeps; every time limit below is as coarse as this."""


class Pooled(Protocol):
    """What the pool asks of a connection."""

    age: int
    """Sweeps since the statement under way was sent."""

    @property
    def closed(self) -> bool | int: ...

    @property
    def busy(self) -> bool:
        """Whether an answer is still unread."""

    @property
    def clean(self) -> bool:
        """Whether it stands outside a transaction, in the session that it began."""

    @property
    def demoted(self) -> bool:
        """Whether its server turned out to take no writes any more."""

    def expire(self) -> None:
        """Fail the caller whose statement takes too long."""

    async def rescue(self) -> bool:
        """End an abandoned statement; tell whether the connection came back idle."""

    def drop(self) -> None:
        """Close at once."""


W = TypeVar("W", bound=Pooled)


class Pool(Generic[W]):
    """At most `size` connections; whoever finds none free waits up to `patience` seconds.

    A connection is made by a task of its own, never by a caller: callers wait for whichever
    comes first, a new connection or one that is given back.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[W]],
        *,
        size: int,
        patience: float = 2.0,
        deadline: float = 4.0,
    ) -> None:
        self._connect = connect
        self._size = size
        self._patience = patience / TICK
        self._deadline = deadline / TICK
        self._free: list[W] = []
        self._wires: set[W] = set()
        self._old: set[W] = set()
        self._waiting: deque[tuple[asyncio.Future[W], int]] = deque()
        self._connecting = 0
        self.answers = 0
        """How often a connection was free to be used, from its server or from its last user."""
        self._ticks = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(TICK, self._sweep)
        self._closed = False

    def take(self) -> W | None:
        """Return a free connection, if there is one."""
        while self._free:
            wire = self._free.pop()
            if not wire.closed:
                return wire
            self._forget(wire)
        return None

    async def wait(self) -> W:
        """Return the next connection that becomes free, or raise `Unreachable`."""
        if self._closed:
            raise Unreachable("the pool is closed")
        future: asyncio.Future[W] = self._loop.create_future()
        self._waiting.append((future, self._ticks))
        self._connect_for_waiting()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.give(future.result())
            raise

    def give(self, wire: W) -> None:
        """Take a connection back, in whatever state its user left it."""
        if wire.busy and not wire.closed and not self._closed:
            self._spawn(self._rescue(wire))
        elif wire.closed or self._closed or wire in self._old or not wire.clean:
            wire.drop()
            self._forget(wire)
        elif wire.demoted:
            self.renew()
            self.give(wire)
        else:
            self._hand_over(wire)

    def renew(self) -> None:
        """Let no connection that stands now be used again: the server is to be found anew.

        Whoever has one of them may finish. Reading from a server that was demoted would go on for
        ever, and never hear of what is revoked. One that is silent, and did not even end what took
        too long, would keep the next user of each connection waiting for as long.
        """
        self._old |= self._wires
        free, self._free = self._free, []
        for wire in free:
            self.give(wire)

    async def close(self) -> None:
        """Refuse new callers and close every connection."""
        self._closed = True
        self._timer.cancel()
        self._fail_waiting(Unreachable("the pool is closed"))
        for wire in list(self._wires):
            wire.drop()
        self._wires.clear()
        self._free.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _hand_over(self, wire: W) -> None:
        self.answers += 1
        while self._waiting:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_result(wire)
                return
        self._free.append(wire)

    def _forget(self, wire: W) -> None:
        self._wires.discard(wire)
        self._old.discard(wire)
        self._connect_for_waiting()

    def _connect_for_waiting(self) -> None:
        wanted = min(len(self._waiting), self._size - len(self._wires))
        while not self._closed and self._connecting < wanted:
            self._connecting += 1
            self._spawn(self._add())

    async def _add(self) -> None:
        try:
            wire = await self._connect()
        except Unreachable as error:
            if self._wires:  # callers may yet be served by a connection that stands
                await asyncio.sleep(TICK)
            else:
                self._fail_waiting(error)
        else:
            self._wires.add(wire)
            self.give(wire)
        finally:
            self._connecting -= 1
        self._connect_for_waiting()

    async def _rescue(self, wire: W) -> None:
        if not await wire.rescue():
            wire.drop()
        self.give(wire)

    def _fail_waiting(self, reason: Unreachable) -> None:
        while self._waiting:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_exception(type(reason)(*reason.args))  # each gets a traceback of its own

    def _sweep(self) -> None:
        self._ticks += 1
        self._timer = self._loop.call_later(TICK, self._sweep)
        for wire in tuple(self._wires):
            if wire.busy:
                wire.age += 1
                if wire.age > self._deadline:
                    self._expire(wire)
        while self._waiting and self._ticks - self._waiting[0][1] > self._patience:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_exception(Unreachable("no connection became free in time"))

    def _expire(self, wire: W) -> None:
        wire.expire()
        if wire not in self._old:
            self.renew()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
