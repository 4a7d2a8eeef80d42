"""Lists: pages by keyset cursors, or by numbers as Porta 1.x has them; cursors carry a MAC.

A cursor is of one list as it was asked for: its path, order and filters. Presented with others, or
by somebody who sees another organization, it is refused.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

import msgspec
from pydantic import Field
from pydantic.alias_generators import to_snake

from porta.administration.call import Call, Shown
from porta.errors import Invalid
from porta.security import opaque
from porta.services.commands import Command
from storage.models.pages import Cursor, Listed, Page

_DEFAULT_LIMIT = 20
_PURPOSE = "admin cursor"
Order = Literal["asc", "desc"]
T = TypeVar("T")
R = TypeVar("R")


class Paging(Command):
    """Which page: by `cursor` and `limit`, or by `page` and `pageSize`; without any, the first."""

    limit: int | None = Field(None, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)
    page: int | None = Field(None, ge=1, le=10_000)
    page_size: int | None = Field(None, ge=1, le=100)


class Sorting(Paging):
    """In which order; `sort` and `order` are the same under other names."""

    sort_by: str | None = None
    sort: str | None = None
    sort_order: Order | None = None
    order: Order | None = None


class Listing(Shown, Generic[T]):
    """A page of a list. What a page by cursor has, one by number lacks, and the other way about."""

    data: tuple[T, ...]
    next_cursor: str | None = None
    previous_cursor: str | None = None
    cursor: str | None = Field(None, description="The same as `nextCursor`")
    has_more: bool | None = None
    total: int | None = None
    page: int | None = None
    page_size: int | None = None
    total_pages: int | None = None


def page_of(
    call: Call,
    paging: Paging,
    *,
    numbered: bool = True,
    default: int = _DEFAULT_LIMIT,
    sort: str = "created_at",
    order: Order = "desc",
) -> Page:
    """Return which rows `paging` asks for. Raises Invalid for a cursor that is not of this list.

    `sort` and `order` are those where the query names none. Where nothing is asked for, the first
    page is one by number (`numbered`), as in Porta 1.x.
    """
    if isinstance(paging, Sorting):
        sort = to_snake(paging.sort_by or paging.sort or sort)
        order = paging.sort_order or paging.order or order
    by_number = paging.page is not None or paging.page_size is not None
    by_cursor = paging.cursor is not None or paging.limit is not None
    if by_number and by_cursor:
        raise Invalid.at("cursor", message="cursor and limit, or page and pageSize: not both")
    if by_number or (numbered and not by_cursor):
        limit, number = paging.page_size or default, paging.page or 1
        return Page(limit=limit, sort=sort, order=order, number=number)
    cursor = None if paging.cursor is None else _open(call, paging, paging.cursor)
    return Page(limit=paging.limit or default, sort=sort, order=order, cursor=cursor)


def listing(
    call: Call, paging: Paging, page: Page, listed: Listed[R], show: Callable[[R], T]
) -> Listing[T]:
    """Return what was found as it is answered."""
    data = tuple(map(show, listed.rows))
    if page.number is not None:
        total = listed.total or 0
        return Listing(
            data=data,
            total=total,
            page=page.number,
            page_size=page.limit,
            total_pages=-(-total // page.limit),
        )
    following = _close(call, paging, listed.next)
    return Listing(
        data=data,
        next_cursor=following,
        previous_cursor=_close(call, paging, listed.previous),
        cursor=following,
        has_more=following is not None,
    )


def _close(call: Call, paging: Paging, cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    raw = msgspec.json.encode([cursor.value, cursor.id, cursor.backwards])
    text = urlsafe_b64encode(raw).decode().rstrip("=")
    keys = call.runtime.settings.cookie_keys
    return f"{text}.{opaque.sign_value(keys, _PURPOSE, _bound(call, paging, text))}"


def _open(call: Call, paging: Paging, sealed: str) -> Cursor:
    text, _, seal = sealed.partition(".")
    keys = call.runtime.settings.cookie_keys
    if not opaque.verify_value(keys, _PURPOSE, _bound(call, paging, text), seal):
        raise Invalid.at("cursor", message="is not of this list, or of another order or filter")
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    value, id, backwards = msgspec.json.decode(raw, type=tuple[str, str, bool])
    return Cursor(value, id, backwards)


def _bound(call: Call, paging: Paging, text: str) -> str:
    """Return a cursor with what it is bound to: the list, its filters and order, and who sees."""
    asked = paging.model_dump(mode="json", exclude={"cursor", "limit", "page", "page_size"})
    kind = type(paging)
    bound = [
        *(f"{kind.__module__}.{kind.__qualname__}", dict(call.path), asked),
        *(call.actor.organization_id, text),
    ]
    return msgspec.json.encode(bound, order="sorted").decode()
