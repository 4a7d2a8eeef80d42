"""Keyset pagination: pages that neither repeat nor skip rows while others are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from storage.models.pages import Cursor, Listed, Page
from storage.postgres.statement import Executor, Row

T = TypeVar("T")


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

    def where(self, condition: str, **parameters: object) -> None:
        """Keep only rows that fulfil `condition`, SQL that names `parameters`."""
        self.conditions.append(condition)
        self.parameters.update(parameters)


def containing(text: str) -> str:
    """Return the pattern of LIKE that finds `text` as it is, anywhere."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"


async def select_page(
    pg: Executor, selection: Selection, page: Page, decode: Callable[[Row], T]
) -> Listed[T]:
    """Return a page of what `selection` selects. `page.sort` is a key of its sorts."""
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


async def selects_more_than(pg: Executor, selection: Selection, most: int) -> bool:
    """Whether more than `most` rows are selected; no more than that are read to know it."""
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
    direction = "ASC" if (page.order == "asc") != backwards else "DESC"
    return await pg.fetch(
        f"""
        SELECT {selection.columns},
            {sort.text.format(sort.expression)} AS cursor_value, {selection.id}::text AS cursor_id
        FROM {selection.source} {_where(selection)}
        ORDER BY {sort.expression} {direction}, {selection.id} {direction}
        LIMIT %(page_limit)s OFFSET %(page_skipped)s
        """,  # noqa: S608
        {**selection.parameters, "page_limit": limit, "page_skipped": skipped},
    )


def _where(selection: Selection) -> str:
    return f"WHERE {' AND '.join(selection.conditions)}" if selection.conditions else ""
