"""Trace of an interaction, written behind the answers: bounded, and lost rather than waited for."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextvars import Context
from dataclasses import dataclass

from storage.errors import StorageError
from storage.models.traces import Trace, TraceStep
from storage.router import Storage

_LOG = logging.getLogger(__name__)
_MOST = 2000  # waiting; what comes beyond them is lost
_BATCH = 100
_PATIENCE = 0.05
"""Seconds that a step waits for others to leave with: what is written together costs less."""
_LAST_SECONDS = 1.0  # for what is being written when a process ends


@dataclass(frozen=True, slots=True)
class Noted:
    """A step, and what becomes of it."""

    step: TraceStep
    interaction: str | None = None
    """The digest of its value; None for a request that belongs to none."""
    ttl: int | None = None
    """Seconds that the interaction may take, where this is its first step."""
    code: str | None = None
    """The support code that was shown."""
    organization_id: str = ""


class TraceWriter:
    """One writer a process. No answer waits for it, and none fails with it."""

    def __init__(self, storage: Storage, most: int = _MOST) -> None:
        self._storage = storage
        self._due: deque[Noted] = deque()
        self._most = most
        self._writer: asyncio.Task[None] | None = None

    def note(self, noted: Noted) -> None:
        """Have a step written, soon; not while Redis takes no writes, or too many wait."""
        if len(self._due) >= self._most or not self._storage.traces.is_kept:
            return
        self._due.append(noted)
        if self._writer is None:
            # In no request's context: it writes for others too.
            self._writer = asyncio.create_task(self._write(), context=Context())
            self._writer.add_done_callback(self._stopped)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be written."""
        return self._writer is None

    async def close(self) -> None:
        """Finish the write that is under way, for a second at most, and forget the others."""
        self._due.clear()
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=_LAST_SECONDS)
            if self._writer is not None:
                self._writer.cancel()

    async def _write(self) -> None:
        try:
            while self._due:
                await asyncio.sleep(_PATIENCE)
                await self._write_some()
        except StorageError:
            self._due.clear()  # the breaker tells that Redis is away

    async def _write_some(self) -> None:
        """Steps leave together, up to the first that a trace is kept of."""
        steps: list[tuple[str, TraceStep, int | None]] = []
        shown: Noted | None = None
        while self._due and len(steps) < _BATCH and shown is None:
            noted = self._due.popleft()
            if noted.interaction is not None:
                steps.append((noted.interaction, noted.step, noted.ttl))
            shown = noted if noted.code is not None else None
        await self._storage.traces.write(steps)
        if shown is not None:
            await self._keep(shown)

    async def _keep(self, noted: Noted) -> None:
        steps: tuple[TraceStep, ...] = ()
        if noted.interaction is not None:
            steps = await self._storage.traces.steps(noted.interaction)
        await self._storage.traces.keep(
            Trace(
                code=noted.code or "",
                organization_id=noted.organization_id,
                steps=steps if noted.step in steps else (*steps, noted.step),
            )
        )

    def _stopped(self, writer: asyncio.Task[None]) -> None:
        self._writer = None
        if writer.cancelled():
            return
        if (failure := writer.exception()) is not None:
            self._due.clear()
            _LOG.error("traces.failed", exc_info=failure)
