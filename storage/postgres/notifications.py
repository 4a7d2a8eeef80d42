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
CHANNEL = "porta_changed"
HEARTBEAT, PATIENCE, SECOND_LOOK = 0.3, 0.4, 0.1
"""Seconds between two signs of life, for the answer to one, and for what had arrived unseen when
the time was up. Together they are how long changes can be missed without our knowing: a right may
outlive its end by a second at most.
"""
_HEARTBEAT = 10.0
# To LISTEN once more changes nothing, and costs next to nothing.
_LISTEN = f"LISTEN {CHANNEL}; SHOW transaction_read_only"
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
        """Return the payload of the next notification, or raise `Unreachable`."""

    def drop(self) -> None: ...


class NotificationListener:
    """Calls back with (table, key) for every change; with ("*", "") when changes may be missed."""

    def __init__(
        self,
        dial: Callable[[], Awaitable[NotificationConnection]],
        callback: Callable[[str, str], None],
        *,
        demoted: Callable[[], None] = lambda: None,
        heartbeat: float = _HEARTBEAT,
    ) -> None:
        self._dial = dial
        self._callback = callback
        self._demoted = demoted
        self._heartbeat = heartbeat
        self._proof = ""
        self._proven = asyncio.Event()
        self.listening = False
        self._task = asyncio.get_running_loop().create_task(self._stay())

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
                await self._listen(await self._dial())
            except Exception as error:
                # Whatever it was, also a fault of the callback's: an instance must not go deaf.
                level = logging.WARNING if isinstance(error, StorageError) else logging.ERROR
                _LOG.log(level, "postgres.listener_lost", exc_info=error)
            failures = 0 if self.listening else failures
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
            if not self.listening:
                self.listening = True
                self._callback("*", "")
            ends = loop.time() + self._heartbeat
            while loop.time() < ends:
                await asyncio.sleep(min(HEARTBEAT, self._heartbeat))
                await self._pulse(ear)

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
        if self.listening:
            self.listening = False
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
