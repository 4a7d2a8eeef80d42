"""Live tail of the audit trail: what is sealed, as it is sealed; one reader for all who follow.

Entries are told in the order of their seals: a transaction that commits late is sealed late,
however low its number is, so that none is passed over (decisions/0035). Nothing waits in memory
for a slow follower: whoever has fallen behind what is kept for all reads on by pages.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from storage.errors import StorageError
from storage.models.audit import ERASED, AuditEntry, Placed
from storage.router import Storage

_LOG = logging.getLogger(__name__)
KEPT = 1000
"""Entries that are kept for those who are a moment behind."""
PAGE = 200
"""Seals that are read at a time."""
LOOK = 10.0
"""Seconds after which it is looked, while somebody follows, though nobody told of anything."""

_NOWHERE = -1


class Step(NamedTuple):
    """Entries in order, and the place up to which all is told with them."""

    place: int
    entries: list[tuple[int, AuditEntry]]
    """Each with its own."""


class AuditTail:
    """What a process has read of the end of the trail. It reads while somebody follows."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._kept: list[Placed] = []
        self._since = self._place = _NOWHERE
        """What is kept begins after the one, and ends with the other."""
        self._moved, self._news = asyncio.Event(), asyncio.Event()
        self._followers = 0
        self._reader: asyncio.Task[None] | None = None

    async def follow(
        self, place: int, end: int, is_wanted: Callable[[AuditEntry], bool], every: float
    ) -> AsyncGenerator[Step, None]:
        """Yield what is sealed after `place`, as it is sealed, without an end; `end` is the last
        place when it was asked for.

        A step without entries comes where none was wanted of those that were there, and after
        `every` seconds without any, whatever happened meanwhile. Raises StorageError.
        """
        now = asyncio.get_running_loop().time
        due, has_told = now() + every, False
        self._begin()
        try:
            while True:
                moved = self._moved
                place, page = await self._next(place, end)
                entries = [
                    (each.place, each.entry)
                    for each in page
                    if each.entry is not None and is_wanted(each.entry)
                ]
                is_last = place >= max(self._place, end)
                if entries or now() >= due or (is_last and not has_told):
                    yield Step(place, entries)
                    due, has_told = now() + every, True
                elif is_last:
                    await _until(moved, due - now())
        finally:
            await self._leave()

    async def close(self) -> None:
        """Stop reading."""
        reader, self._reader = self._reader, None
        self._kept.clear()
        self._since = self._place = _NOWHERE
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _next(self, place: int, end: int) -> tuple[int, Sequence[Placed]]:
        page: Sequence[Placed] = ()
        if self._since <= place < self._place:
            begin = bisect_right(self._kept, place, key=lambda each: each.place)
            page = self._kept[begin : begin + PAGE]
        elif place < max(self._place, end):
            page = await self._storage.audit.sealed_after(place, PAGE)
        return (page[-1].place if page else max(place, self._place, end)), page

    def _begin(self) -> None:
        self._followers += 1
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())

    async def _leave(self) -> None:
        self._followers -= 1
        if not self._followers:
            await self.close()

    async def _read(self) -> None:
        unsubscribe = self._storage.on_change(self._heard)
        try:
            while True:
                self._news.clear()
                try:
                    await self._read_on()
                except StorageError as error:
                    _LOG.warning("audit.tail_behind", extra={"error": str(error)})
                except Exception:
                    _LOG.exception("audit.tail_behind")  # those who follow must not wait for ever
                await _until(self._news, LOOK)
        finally:
            unsubscribe()

    def _heard(self, table: str, key: str) -> None:
        if table in ("audit", "*"):
            self._news.set()

    async def _read_on(self) -> None:
        if self._place == _NOWHERE:
            self._since = self._place = await self._storage.audit.last_place()
            self._move()
        while page := await self._storage.audit.sealed_after(self._place, PAGE):
            self._keep(page)
            self._move()
            if len(page) < PAGE:
                return

    def _keep(self, page: Sequence[Placed]) -> None:
        self._place = page[-1].place
        self._kept += page
        if any(each.entry is not None and each.entry.event_type == ERASED for each in page):
            self._kept.clear()  # what was erased is in none that is read from now on
            self._since = self._place
        elif len(self._kept) > KEPT:
            self._since = self._kept[-KEPT - 1].place
            del self._kept[:-KEPT]

    def _move(self) -> None:
        """Wake whoever waits."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


async def _until(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
