"""NOTIFY, heard: one connection that listens, proves that it hears, and comes back when lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Protocol

from storage.errors import StorageError, Unreachable
from storage.postgres.statement import Row

_LOG = logging.getLogger(__name__)
CHANNEL, JOBS_CHANNEL, AUDIT_CHANNEL = "porta_changed", "porta_jobs", "porta_audit"
"""Of configuration; and of jobs and of what is sealed in the audit trail, which versions before
these must not take for a change of it.
"""
HEARTBEAT, PATIENCE, SECOND_LOOK = 0.3, 0.4, 0.1
"""Seconds between two signs of life, for the answer to one, and for what had arrived unseen when
the time was up. Together they are how long changes can be missed without our knowing: a right may
outlive its end by a second at most.
"""
AWAKE, ASLEEP = 30.0, 240.0
"""Seconds for which it keeps up that pace after somebody has asked whether it hears; and those
between two signs of life then. Who asks a sleeper is told no, which is safe, and wakes it.
"""
_HEARTBEAT = 10.0
# To LISTEN once more changes nothing, and costs next to nothing.
_LISTEN = "; ".join(
    (
        *(f"LISTEN {each}" for each in (CHANNEL, JOBS_CHANNEL, AUDIT_CHANNEL)),
        "SHOW transaction_read_only",
    )
)
# Nobody needs to find it again after a crash: it waits for no disk.
_NOTIFY = """
    SELECT set_config('synchronous_commit', 'off', TRUE), pg_notify(%(channel)s, %(word)s)
"""
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)


class NotificationConnection(Protocol):
    """What the listener asks of a connection."""

    async def run(self, sql: str, parameters: dict[str, str] | None = None) -> None: ...

    def rows(self) -> list[Row]: ...

    async def next_notification(self) -> str:
        """Return the next notification as "table:key", or raise `Unreachable`."""

    def drop(self) -> None: ...


class NotificationListener:
    """Calls back with (table, key) for every change; with ("*", "") when changes may be missed."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[NotificationConnection]],
        callback: Callable[[str, str], None],
        *,
        demoted: Callable[[], None] = lambda: None,
        heartbeat: float = _HEARTBEAT,
    ) -> None:
        self._connect = connect
        self._callback = callback
        self._demoted = demoted
        self._heartbeat = heartbeat
        self._proof = ""
        self._proven = asyncio.Event()
        self._listening = self._asleep = False
        loop = asyncio.get_running_loop()
        self._time = loop.time
        self._asked_at = loop.time()
        self._asked = asyncio.Event()
        self._task = loop.create_task(self._stay())

    @property
    def listening(self) -> bool:
        """Whether changes are proven to be heard, of which the last proof is a moment ago."""
        # Asked for each entry of configuration that a request needs: to look the running loop up
        # is a system call (CPython 3.11).
        self._asked_at = self._time()
        if self._asleep:
            self._asked.set()
        return self._listening and not self._asleep

    async def close(self) -> None:
        """Stop listening."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._lose()

    async def _stay(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen(await self._connect())
            except Exception as error:
                # Whatever it was, also a fault of the callback's: an instance must not go deaf.
                level = logging.WARNING if isinstance(error, StorageError) else logging.ERROR
                _LOG.log(level, "postgres.listener_lost", exc_info=error)
            failures = 0 if self._listening else failures
            self._lose()
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1

    async def _listen(self, ear: NotificationConnection) -> None:
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._pulse(ear)
            tasks = [asyncio.create_task(work) for work in (self._hear(ear), self._beat(ear))]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            ear.drop()

    async def _hear(self, ear: NotificationConnection) -> None:
        while True:
            table, _, key = (await ear.next_notification()).partition(":")
            if table != "?":
                self._callback(table, key)
            elif key == self._proof:
                self._proven.set()

    async def _beat(self, ear: NotificationConnection) -> None:
        """Prove that we hear, again and again; in between, that the connection still answers.

        It can die without a sign, and its server be demoted: changes are then made at another.
        """
        loop = asyncio.get_running_loop()
        while True:
            await _in_time(self._prove(ear))
            if not self._listening:
                self._listening = True
                self._callback("*", "")
            ends = loop.time() + self._heartbeat
            while loop.time() < ends:
                await self._pause()
                await self._pulse(ear)
                self._asleep = False

    async def _pause(self) -> None:
        """Wait until the next sign of life is due; while nobody asks, for long (idle budget)."""
        if self._time() - self._asked_at < AWAKE:
            await asyncio.sleep(min(HEARTBEAT, self._heartbeat))
            return
        self._asleep = True
        self._asked.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), ASLEEP)

    async def _pulse(self, ear: NotificationConnection) -> None:
        await _in_time(ear.run(_LISTEN))
        if ear.rows() != [("off",)]:
            self._demoted()
            raise Unreachable("the server takes no writes any more")

    async def _prove(self, ear: NotificationConnection) -> None:
        """Send ourselves a word, and wait to hear it."""
        self._proof = secrets.token_hex(8)
        self._proven.clear()
        await ear.run(_NOTIFY, {"channel": CHANNEL, "word": f"?:{self._proof}"})
        await self._proven.wait()

    def _lose(self) -> None:
        self._asleep = False
        if self._listening:
            self._listening = False
            self._callback("*", "")


async def _in_time(work: Coroutine[object, object, None]) -> None:
    """Wait for what must not take long; raise Unreachable when it does."""
    task = asyncio.ensure_future(work)
    try:
        for seconds in (PATIENCE, SECOND_LOOK):
            if (await asyncio.wait([task], timeout=seconds))[0]:
                return task.result()
    finally:
        task.cancel()
    raise Unreachable("notifications do not arrive")
