"""Open event streams of a process: how many there may be, and their end with it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from porta.errors import TooManyRequests, Unavailable

MOST = 200
"""Streams of one process."""
MOST_OF_ONE = 10
"""Streams of one caller at one process."""
_LATER = 15  # seconds


class OpenStreams:
    """The streams that a process has open."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Event, str] = {}
        self._ended = False

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def place(self, key: str) -> Iterator[asyncio.Event]:
        """Give a caller the place of one stream, and what is set when that has to end.

        Raises TooManyRequests for a caller who has all of theirs, Unavailable where none is left.
        """
        if Counter(self._open.values())[key] >= MOST_OF_ONE:
            raise TooManyRequests("too many streams are open", retry_after=_LATER)
        if self._ended or len(self._open) >= MOST:
            raise Unavailable("no more streams can be opened now")
        end = asyncio.Event()
        self._open[end] = key
        try:
            yield end
        finally:
            del self._open[end]

    def end_all(self) -> None:
        """End every stream, and begin no other: the process stops."""
        self._ended = True
        for end in self._open:
            end.set()
