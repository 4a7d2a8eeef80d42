"""Whom this process refuses for a while, without asking any store."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil


class ShutOut:
    """A bounded map of keys to the moment until which they are refused (seconds of `clock`)."""

    def __init__(self, clock: Callable[[], float], limit: int = 10_000) -> None:
        self._clock = clock
        self._limit = limit
        self._until: dict[str, float] = {}

    def add(self, key: str, seconds: float) -> None:
        """Refuse `key` for so many seconds; the oldest entry makes room when there are too many."""
        self._until.pop(key, None)
        if len(self._until) >= self._limit:
            del self._until[next(iter(self._until))]
        self._until[key] = self._clock() + seconds

    def remaining(self, key: str) -> int:
        """Return for how many seconds, rounded up, `key` is refused; 0 when it is not."""
        until = self._until.get(key)
        if until is None:
            return 0
        left = until - self._clock()
        if left <= 0:
            del self._until[key]
            return 0
        return ceil(left)
