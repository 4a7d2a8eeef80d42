"""Keyset pagination: pages that neither repeat nor skip rows while others are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from storage.models.pages import Cursor, Listed, Page
from storage.postgres.statement import Executor, Row

T = TypeVar("T")

RARE = 2_000
"""Rows that a search may match to be found by its index: all are read, and sorted, each time."""
_HAS_TRIGRAMS = re.compile(r"[^\W_]{3}|[\W_][^\W_]|[^\W_]{2}[\W_]")
"""What a search has to hold for an index of trigrams to know it: three letters in a row, or fewer
where a word begins or ends.
"""


@dataclass(frozen=True, slots=True)
class Sort:
    """An expression that a list can be sorted by: never NULL, and with an index where it matters.

    `text` spells its value without loss, and `value` reads that again.
    """

    expression: str
    text: str = "{}::text"
    value: str = "%(cursor_value)s::text"


def moment(expression: str) -> Sort:
    """Return the sort by a timestamptz: its cursor has the microseconds of the column."""
    return Sort(
        expression,
        """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
        "%(cursor_value)s::timestamptz",
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected from where. `id` is the column that makes every order total."""

    columns: str
    source: str
    sorts: Mapping[str, Sort]
    id: str = "id"
    id_type: str = "uuid"
    conditions: list[str] = field(default_factory=list)
    parameters: dict[str, object] = field(default_factory=dict)
    searched: str = ""
    """The expression that is searched, as its index of trigrams spells it."""
    has_trigrams: bool = False
    """Whether that index knows what is searched for."""
    leading: str = ""
    """What the index of the order begins with, in the other direction, where a condition that is
    not leakproof gives all that is selected the same of it: below row-level security PostgreSQL
    does not conclude that they stand in order there.
    """

    branches: tuple[str, ...] = ()
    """Conditions of which each row fulfils one: each has its own scan in the order of the list, and
    so many rows of each as a page has are merged. PostgreSQL would read all that fulfil any.
    """

    def where(self, condition: str, **parameters: object) -> None:
        """Keep only rows that fulfil `condition`, SQL that names `parameters`."""
        self.conditions.append(condition)
        self.parameters.update(parameters)

    def search(self, expression: str, text: str | None) -> Selection:
        """Return the same of rows in whose `expression` there is `text`, in any letter case; None
        for all. How they are found is chosen by how many they are (`select_page`).
        """
        if text is None:
            return self
        self.parameters["search"] = containing(text)
        return replace(self, searched=expression, has_trigrams=bool(_HAS_TRIGRAMS.search(text)))


def containing(text: str) -> str:
    """Return the pattern of LIKE that finds `text` as it is, anywhere."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"


async def select_page(
    pg: Executor, selection: Selection, page: Page, decode: Callable[[Row], T]
) -> Listed[T]:
    """Return a page of what `selection` selects. `page.sort` is a key of its sorts.

    A search takes one statement more, unless it is too short for any index.
    """
    selection = await _spelled(pg, selection)
    if page.number is not None:
        return await _by_number(pg, selection, page, decode)
    cursor, sort = page.cursor, selection.sorts[page.sort]
    backwards = cursor is not None and cursor.backwards
    if cursor is not None:
        selection.where(
            f"({sort.expression}, {selection.id})"
            f" {'>' if (page.order == 'asc') != backwards else '<'}"
            f" ({sort.value}, %(cursor_id)s::{selection.id_type})",
            cursor_value=cursor.value,
            cursor_id=cursor.id,
        )
    rows = await _fetch(pg, selection, page, backwards, page.limit + 1)
    more, rows = len(rows) > page.limit, rows[: page.limit]
    if backwards:
        rows.reverse()
    ends = [Cursor(row[-2], row[-1]) for row in (rows[:1] + rows[-1:])]
    before, after = (cursor is not None, more) if not backwards else (more, True)
    return Listed(
        rows=tuple(decode(row[:-2]) for row in rows),
        next=ends[-1] if ends and after else None,
        previous=Cursor(ends[0].value, ends[0].id, backwards=True) if ends and before else None,
    )


async def _spelled(pg: Executor, selection: Selection) -> Selection:
    """Return the selection with its search as a condition.

    Below row-level security PostgreSQL plans without knowing how many rows a search matches: it
    guesses by the length of the pattern. What many match is spelled as no index has it, so that the
    index of the order is walked until a page is full. What few match is found by the index.
    """
    if not selection.searched:
        return selection
    common = not selection.has_trigrams or await selects_more_than(pg, selection, RARE)
    return _with_search(selection, is_common=common)


def _with_search(selection: Selection, *, is_common: bool) -> Selection:
    condition = f"{selection.searched} ILIKE %(search)s"
    if is_common:
        condition = f"({selection.searched} || '') ILIKE %(search)s"
    else:
        # Said twice, it is guessed to be met by the square of the share: by few. PostgreSQL reads
        # the index once for both.
        condition = f"{condition} AND {condition}"
    return replace(selection, conditions=[*selection.conditions, condition], searched="")


async def selects_more_than(pg: Executor, selection: Selection, most: int) -> bool:
    """Whether more than `most` rows are selected; no more than that are read to know it."""
    if selection.searched:
        selection = _with_search(selection, is_common=not selection.has_trigrams)
    row = await pg.fetchrow(
        f"""
        SELECT count(*) FROM (
            SELECT FROM {selection.source} {_where(selection)} LIMIT %(most)s + 1) found
        """,  # noqa: S608
        {**selection.parameters, "most": most},
    )
    return row is not None and row[0] > most


async def _by_number(
    pg: Executor, selection: Selection, page: Page, decode: Callable[[Row], T]
) -> Listed[T]:
    assert page.number is not None
    counted = await pg.fetchrow(
        f"SELECT count(*) FROM {selection.source} {_where(selection)}",  # noqa: S608
        selection.parameters,
    )
    skipped = (page.number - 1) * page.limit
    rows = await _fetch(pg, selection, page, False, page.limit, skipped)
    return Listed(rows=tuple(decode(row[:-2]) for row in rows), total=counted[0] if counted else 0)


async def _fetch(
    pg: Executor,
    selection: Selection,
    page: Page,
    backwards: bool,
    limit: int,
    skipped: int = 0,
) -> list[Row]:
    sort = selection.sorts[page.sort]
    ascending = (page.order == "asc") != backwards
    direction, opposite = ("ASC", "DESC") if ascending else ("DESC", "ASC")
    leading = f"{selection.leading} {opposite}, " if selection.leading else ""
    order = f"ORDER BY {leading}{sort.expression} {direction}, {selection.id} {direction}"
    return await pg.fetch(
        f"""
        SELECT {selection.columns},
            {sort.text.format(sort.expression)} AS cursor_value, {selection.id}::text AS cursor_id
        FROM {_merged(selection, order) or f"{selection.source} {_where(selection)}"}
        {order}
        LIMIT %(page_limit)s OFFSET %(page_skipped)s
        """,  # noqa: S608
        {**selection.parameters, "page_limit": limit, "page_skipped": skipped},
    )


def _merged(selection: Selection, order: str) -> str:
    """Return what reads each branch in order, under the alias of the source; "" without any."""
    if not selection.branches:
        return ""
    alias = selection.source.split()[-1]
    branches = " UNION ALL ".join(
        f"(SELECT {alias}.* FROM {selection.source} {_where(replace(selection, branches=(each,)))}"  # noqa: S608
        f" {order} LIMIT %(page_limit)s::bigint + %(page_skipped)s)"
        for each in selection.branches
    )
    return f"({branches}) {alias}"


def _where(selection: Selection) -> str:
    conditions = list(selection.conditions)
    if selection.branches:
        conditions.append(f"({' OR '.join(selection.branches)})")
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
