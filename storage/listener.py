"""NOTIFY, heard: one connection that listens, proves that it hears, and comes back when lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Protocol

from storage.errors import StorageError, Unreachable

_LOG = logging.getLogger(__name__)
CHANNEL = "porta_changed"
_HEARTBEAT = 10.0
_PROOF = 2.0
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)


class Ear(Protocol):
    """What the listener asks of a connection."""

    async def run(self, sql: str, parameters: dict[str, str] | None = None) -> None: ...

    async def heard(self) -> str:
        """Return the payload of the next notification, or raise `Unreachable`."""

    def drop(self) -> None: ...


class Listener:
    """Calls back with (table, key) for every change; with ("*", "") when changes may be missed."""

    def __init__(
        self,
        dial: Callable[[], Awaitable[Ear]],
        callback: Callable[[str, str], None],
        *,
        heartbeat: float = _HEARTBEAT,
    ) -> None:
        self._dial = dial
        self._callback = callback
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

    async def _listen(self, ear: Ear) -> None:
        tasks: list[asyncio.Task[None]] = []
        try:
            await ear.run(f"LISTEN {CHANNEL}")
            tasks = [asyncio.create_task(work) for work in (self._hear(ear), self._beat(ear))]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            ear.drop()

    async def _hear(self, ear: Ear) -> None:
        while True:
            table, _, key = (await ear.heard()).partition(":")
            if table != "?":
                self._callback(table, key)
            elif key == self._proof:
                self._proven.set()

    async def _beat(self, ear: Ear) -> None:
        """Send ourselves a word, and wait to hear it: a connection can die without a sign."""
        while True:
            self._proof = secrets.token_hex(8)
            self._proven.clear()
            word = {"channel": CHANNEL, "word": f"?:{self._proof}"}
            try:
                async with asyncio.timeout(_PROOF):
                    await ear.run("SELECT pg_notify(%(channel)s, %(word)s)", word)
                    await self._proven.wait()
            except TimeoutError as error:
                raise Unreachable("notifications do not arrive") from error
            if not self.listening:
                self.listening = True
                self._callback("*", "")
            await asyncio.sleep(self._heartbeat)

    def _lose(self) -> None:
        if self.listening:
            self.listening = False
            self._callback("*", "")
