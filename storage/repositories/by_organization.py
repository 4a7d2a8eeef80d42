"""Rows of organizations: those of several at once, one by its id, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from storage.postgres.statement import Executor, Row


class Owned(Protocol):
    """A record of one organization."""

    @property
    def organization_id(self) -> str: ...


R = TypeVar("R", bound=Owned)


def grouped(organization_ids: Sequence[str], found: Iterable[R]) -> dict[str, tuple[R, ...]]:
    """Return what was found by organization, in its order; nothing for those that have none."""
    groups: dict[str, list[R]] = {id: [] for id in organization_ids}
    for record in found:
        groups[record.organization_id].append(record)
    return {id: tuple(records) for id, records in groups.items()}


async def find_row(pg: Executor, columns: str, table: str, id: str, hold: bool) -> Row | None:
    """Return the row of this id in whichever organization: it is for the caller to compare. `hold`
    keeps it from changing until the transaction ends.
    """
    return await pg.fetchrow(
        f"SELECT {columns} FROM {table} WHERE id = %(id)s"  # noqa: S608
        + (" FOR NO KEY UPDATE" if hold else ""),
        {"id": id},
    )


async def hold_count(pg: Executor, table: str, organization_id: str) -> int:
    """Return how many rows an organization has. Nobody else counts the same until the transaction
    ends: of two who count at once, the second finds what the first has made.
    """
    key = {"table": table, "organization_id": organization_id}
    await pg.fetchrow(
        "SELECT pg_advisory_xact_lock("
        "hashtextextended(%(table)s || ' ' || %(organization_id)s, 0))",
        key,
    )
    row = await pg.fetchrow(
        f"SELECT count(*) FROM {table} WHERE organization_id = %(organization_id)s",  # noqa: S608
        key,
    )
    assert row is not None, "counts are always there"
    return int(row[0])
