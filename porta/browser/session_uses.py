"""The uses of sessions, noted behind the answers: a write-behind queue, bounded.

No answer waits for it, and none fails with it. What is lost costs nothing but that a session counts
as used a little earlier than it was.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from porta.outbox.write_behind import WriteBehind
from storage.errors import StorageError
from storage.models.artifacts import Session
from storage.router import Storage

_LOG = logging.getLogger(__name__)
_MOST = 10_000  # waiting; of one more the next use is noted


class SessionUses:
    """One writer a process. It notes one session at a time, on a connection of the pool.

    Each in a statement of its own: it waits for whoever holds that session, and nobody who needs
    several waits for it in turn.
    """

    def __init__(self, storage: Storage, most: int = _MOST) -> None:
        self._storage = storage
        self._most = most
        self._due: dict[str, Callable[[], Awaitable[object]]] = {}
        self._writer = WriteBehind(self._due, self._write, _failed)

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
        self._writer.start()

    async def close(self) -> None:
        """Finish the write that is under way, for a second at most, and forget the others."""
        await self._writer.close()

    async def _write(self) -> None:
        try:
            while self._due:
                await self._due.pop(next(iter(self._due)))()
        except StorageError as error:
            # Whoever comes next tries again; what waited may be noted at its own next use.
            lost = len(self._due) + 1
            self._due.clear()
            _LOG.warning("session.uses_lost", extra={"lost": lost, "error": str(error)})


def _failed(failure: BaseException) -> None:
    _LOG.error("session.uses_failed", exc_info=failure)
