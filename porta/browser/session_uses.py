"""The uses of sessions, noted behind the answers: a write-behind queue, bounded.

No answer waits for it, and none fails with it. What is lost costs nothing but that a session counts
as used a little earlier than it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context
from functools import partial

from storage.errors import StorageError
from storage.models.artifacts import Session
from storage.router import Storage

_LOG = logging.getLogger(__name__)
_MOST = 10_000  # waiting; of one more the next use is noted
_LAST_SECONDS = 1.0  # for what is being written when a process ends


class SessionUses:
    """One writer a process. It notes one session at a time, on a connection of the pool.

    Each in a statement of its own: it waits for whoever holds that session, and nobody who needs
    several waits for it in turn.
    """

    def __init__(self, storage: Storage, most: int = _MOST) -> None:
        self._storage = storage
        self._most = most
        self._due: dict[str, Callable[[], Awaitable[object]]] = {}
        self._writer: asyncio.Task[None] | None = None

    def note(self, session: Session, *, idle_ttl: float, interval: float) -> None:
        """Have it noted, soon, that the session was used; both are in seconds."""
        if len(self._due) >= self._most:
            return
        self._due[session.id] = partial(
            self._storage.sessions.note_use,
            session.id,
            session.organization_id,
            idle_ttl=idle_ttl,
            interval=interval,
        )
        if self._writer is None:
            self._start()

    async def close(self) -> None:
        """Finish the write that is under way, for a second at most, and forget the others."""
        self._due.clear()
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=_LAST_SECONDS)
            if self._writer is not None:
                self._writer.cancel()

    def _start(self) -> None:
        # In no request's context: it writes for others too.
        self._writer = asyncio.create_task(self._write(), context=Context())
        self._writer.add_done_callback(self._stopped)

    async def _write(self) -> None:
        try:
            while self._due:
                await self._due.pop(next(iter(self._due)))()
        except StorageError as error:
            # Whoever comes next tries again; what waited may be noted at its own next use.
            lost = len(self._due) + 1
            self._due.clear()
            _LOG.warning("session.uses_lost", extra={"lost": lost, "error": str(error)})

    def _stopped(self, writer: asyncio.Task[None]) -> None:
        self._writer = None
        if writer.cancelled():
            return
        if (failure := writer.exception()) is not None:
            self._due.clear()
            _LOG.error("session.uses_failed", exc_info=failure)
        elif self._due:  # noted after its last look
            self._start()
