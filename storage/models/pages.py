"""Pages of a list: by keyset cursors, or by offsets as Porta 1.x has them."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

import msgspec

T = TypeVar("T")


class Cursor(msgspec.Struct, frozen=True):
    """Where a page ends: the value that the list is sorted by, as text, and the id of that row."""

    value: str
    id: str
    backwards: bool = False
    """Whether what comes before it is asked for."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What of a list is asked for: `limit` rows from `cursor` on, which belongs to this order."""

    limit: int = 20
    sort: str = "created_at"
    order: Literal["asc", "desc"] = "desc"
    cursor: Cursor | None = None
    number: int | None = None
    """Of a page by offset, from 1 on, of `limit` rows each; all rows are then counted too."""


class Listed(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """The rows of a page, and how to go on. A cursor is None where nothing lies behind it."""

    rows: tuple[T, ...]
    next: Cursor | None = None
    previous: Cursor | None = None
    total: int | None = None
    """How many rows all pages have together, where pages are numbered."""
