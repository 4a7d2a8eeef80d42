"""Traces of what was refused, written behind the answers: bounded, lost rather than waited for."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

from porta.outbox.write_behind import WriteBehind
from storage.errors import StorageError
from storage.models.traces import Trace, TraceStep
from storage.router import Storage

_LOG = logging.getLogger(__name__)
_MOST = 2000  # waiting; what comes beyond them is lost
_BATCH = 100
_PATIENCE = 0.05
"""Seconds that a step waits for others to leave with: what is written together costs less."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A step, and what becomes of it."""

    step: TraceStep
    organization_id: str
    interaction: str | None = None
    """Its `id`; None for a request that belongs to none."""
    ttl: int = 0
    """Seconds that the step is kept beside its interaction."""
    code: str | None = None
    """The support code that was shown."""
    before: tuple[TraceStep, ...] = ()
    """What the record of the interaction carried on, where a code was shown."""


class TraceWriter:
    """One writer a process. No answer waits for it, and none fails with it."""

    def __init__(self, storage: Storage, most: int = _MOST) -> None:
        self._storage = storage
        self._due: deque[Noted] = deque()
        self._most = most
        self._writer = WriteBehind(self._due, self._write, _failed)

    def note(self, noted: Noted) -> None:
        """Have a step written, soon; not while Redis takes no writes, or too many wait."""
        if len(self._due) >= self._most or not self._storage.traces.is_kept:
            return
        self._due.append(noted)
        self._writer.start()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be written."""
        return self._writer.is_idle

    async def close(self) -> None:
        """Finish the write that is under way, for a second at most, and forget the others."""
        await self._writer.close()

    async def _write(self) -> None:
        try:
            while self._due:
                await asyncio.sleep(_PATIENCE)
                await self._write_some()
        except StorageError:
            self._due.clear()  # the breaker tells that Redis is away

    async def _write_some(self) -> None:
        kept = self._storage.traces
        due = [self._due.popleft() for _ in range(min(len(self._due), _BATCH))]
        await kept.write([(n.interaction, n.step, n.ttl) for n in due if n.interaction is not None])
        shown = [noted for noted in due if noted.code is not None]
        ids = {noted.interaction for noted in shown if noted.interaction is not None}
        steps = dict(zip(ids, await kept.steps(tuple(ids)), strict=True))
        await kept.keep([_trace(noted, steps.get(noted.interaction or "", ())) for noted in shown])


def _failed(failure: BaseException) -> None:
    _LOG.error("traces.failed", exc_info=failure)


def _trace(noted: Noted, refused: tuple[TraceStep, ...]) -> Trace:
    """Return the trace of a page: what went on and what was refused before it, in their order."""
    told = {each.request_id: each for each in (*noted.before, *refused, noted.step)}
    steps = sorted(told.values(), key=lambda each: each.at)
    return Trace(code=noted.code or "", organization_id=noted.organization_id, steps=tuple(steps))
