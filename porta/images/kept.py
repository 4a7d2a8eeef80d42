"""Kept images: those that were sent last, up to so many bytes (an LRU).

The name of an image changes with its content, so what is kept under a key is never old.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

CAPACITY = 16 * 1024 * 1024
"""Bytes."""


class KeptImages:
    """What a store was asked for, so that many visitors are one question."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.size = 0
        """Bytes that are kept."""
        self._capacity = capacity
        self._kept: OrderedDict[str, bytes] = OrderedDict()  # asked for longest ago first

    async def get(self, key: str, load: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """Return what is kept under `key`, or what `load` returns; None is not kept."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        loaded = await load()
        if loaded is not None and key not in self._kept:
            self._kept[key] = loaded
            self.size += len(loaded)
            while self.size > self._capacity:
                _, dropped = self._kept.popitem(last=False)
                self.size -= len(dropped)
        return loaded
