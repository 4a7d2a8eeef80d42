"""Lists: pages by keyset cursors, walked through as they are needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list."""

    rows: tuple[T, ...]
    next_cursor: str | None
    """Where it goes on; None at its end."""


Fetch = Callable[[str | None], Awaitable[Page[T]]]


class Listed(Generic[T]):
    """A list: `async for` walks through all of it, each row once while others write."""

    def __init__(self, fetch: Fetch[T]) -> None:
        self._fetch = fetch

    def __aiter__(self) -> AsyncIterator[T]:
        return _Walk(self._fetch)

    async def page(self, cursor: str | None = None) -> Page[T]:
        """Return the page from `cursor` on, or the first."""
        return await self._fetch(cursor)

    async def first(self, most: int) -> list[T]:
        """Return the first rows, `most` of them at most."""
        found: list[T] = []
        async for row in self:
            if len(found) == most:
                break
            found.append(row)
        return found

    async def all(self) -> list[T]:
        """Return every row."""
        return [row async for row in self]


class _Walk(AsyncIterator[T]):
    """No generator, so that nothing is left open by whoever stops halfway."""

    def __init__(self, fetch: Fetch[T]) -> None:
        self._fetch = fetch
        self._rows: list[T] = []
        self._cursor: str | None = None
        self._is_last = False

    async def __anext__(self) -> T:
        while not self._rows:
            if self._is_last:
                raise StopAsyncIteration
            page = await self._fetch(self._cursor)
            self._rows, self._cursor = list(reversed(page.rows)), page.next_cursor
            self._is_last = page.next_cursor is None
        return self._rows.pop()
