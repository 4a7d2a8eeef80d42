"""Write-behind queue: what waits is written behind the answers, and may be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Protocol

_LAST_SECONDS = 1.0  # for what is being written when a process ends


class Due(Protocol):
    """What waits to be written."""

    def __len__(self) -> int: ...
    def clear(self) -> None: ...


class WriteBehind:
    """The one writer of a queue: it runs while something waits. No answer waits for it, and none
    fails with it.
    """

    def __init__(
        self,
        due: Due,
        write: Callable[[], Coroutine[object, object, None]],
        failed: Callable[[BaseException], None],
    ) -> None:
        """`write` takes from `due` until it is empty. Where it raises, what waits is lost, and
        `failed` is told.
        """
        self._due, self._write, self._failed = due, write, failed
        self._writer: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be written."""
        return self._writer is None

    def start(self) -> None:
        """Have what waits be written, soon."""
        if self._writer is None:
            # In no request's context: it writes for others too.
            self._writer = asyncio.create_task(self._write(), context=Context())
            self._writer.add_done_callback(self._stopped)

    async def close(self) -> None:
        """Finish the write that is under way, for a second at most, and forget the others."""
        self._due.clear()
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=_LAST_SECONDS)
            if self._writer is not None:
                self._writer.cancel()

    def _stopped(self, writer: asyncio.Task[None]) -> None:
        self._writer = None
        if writer.cancelled():
            return
        if (failure := writer.exception()) is not None:
            self._due.clear()
            self._failed(failure)
        elif self._due:  # it came after the last look
            self.start()
