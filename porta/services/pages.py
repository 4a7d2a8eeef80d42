"""Pages of a list, one after the other, for who needs all of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Literal, TypeVar

import msgspec

from storage.models.pages import Listed, Page

T = TypeVar("T")
Fetch = Callable[[Page], Awaitable[Listed[T]]]


async def each_page(
    fetch: Fetch[T], limit: int, order: Literal["asc", "desc"] = "asc"
) -> AsyncGenerator[tuple[T, ...]]:
    """Yield the rows of every page that `fetch` returns, in the order of their creation."""
    page: Page | None = Page(limit=limit, order=order)
    while page is not None:
        listed = await fetch(page)
        yield listed.rows
        page = msgspec.structs.replace(page, cursor=listed.next) if listed.next else None


async def collect(
    fetch: Fetch[T], limit: int, *, most: int | None = None, order: Literal["asc", "desc"] = "asc"
) -> list[T]:
    """Return every row, or a few more than `most`: who asks for those is told of no end."""
    found: list[Any] = []
    async with aclosing(each_page(fetch, limit, order)) as pages:
        async for rows in pages:
            found += rows
            if most is not None and len(found) > most:
                break
    return found
