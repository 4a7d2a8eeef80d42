"""Pages of a list neither repeat nor skip what was there when the first was read."""

from __future__ import annotations

from typing import Literal
from uuid import uuid4

import msgspec
import pytest

from porta.audit.actors import SYSTEM
from porta.errors import Invalid
from porta.services import organizations
from porta.services.organizations import OrganizationFilters
from storage.models.organizations import Organization
from storage.models.pages import Page
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.world.administered import make_organization

Order = Literal["asc", "desc"]


async def _seeded(storage: Storage, pg: Postgres) -> tuple[OrganizationFilters, list[Organization]]:
    """Eleven, of which several have one name, or one moment, and others a microsecond between."""
    mark = uuid4().hex
    made = [await make_organization(storage, f"{mark}-{n}", f"{mark} {n % 3}") for n in range(11)]
    for n, each in enumerate(made):
        await pg.execute(
            """
            UPDATE organizations SET created_at = '2026-01-01T00:00:00.123456Z'::timestamptz
                + make_interval(secs => %(n)s / 2 * 0.000001)
            WHERE id = %(id)s
            """,
            {"n": n, "id": each.id},
        )
    found = [await storage.organizations.find_by_id(each.id) for each in made]
    return OrganizationFilters(search=mark), [each for each in found if each]


@pytest.mark.parametrize("sort", ["name", "created_at"])
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 5, 11, 100])
async def test_pages_follow_on_each_other_both_ways(
    storage: Storage, pg: Postgres, sort: str, order: Order, limit: int
) -> None:
    filters, made = await _seeded(storage, pg)
    wanted = sorted(made, key=lambda each: (getattr(each, sort), each.id), reverse=order == "desc")
    page = Page(limit=limit, sort=sort, order=order)
    seen: list[Organization] = []
    listed = await organizations.list(storage, SYSTEM, page, filters)
    assert listed.previous is None
    while True:
        seen += listed.rows
        assert len(listed.rows) <= limit
        if listed.next is None:
            break
        page = msgspec.structs.replace(page, cursor=listed.next)
        listed = await organizations.list(storage, SYSTEM, page, filters)
    assert seen == wanted
    back = [*listed.rows]
    while listed.previous is not None:
        page = msgspec.structs.replace(page, cursor=listed.previous)
        listed = await organizations.list(storage, SYSTEM, page, filters)
        assert listed.next is not None
        back = [*listed.rows, *back]
    assert back == wanted


async def test_rows_that_come_and_go_meanwhile_move_no_other(
    storage: Storage, pg: Postgres
) -> None:
    filters, made = await _seeded(storage, pg)
    wanted = sorted(made, key=lambda each: (each.name, each.id))
    page = Page(limit=4, sort="name", order="asc")
    first = await organizations.list(storage, SYSTEM, page, filters)
    await organizations.delete(storage, SYSTEM, first.rows[0].id)
    await make_organization(storage, f"x-{uuid4().hex}", f"{filters.search} ")
    assert first.next is not None
    page = msgspec.structs.replace(page, cursor=first.next)
    second = await organizations.list(storage, SYSTEM, page, filters)
    assert second.rows == tuple(wanted[4:8])


async def test_pages_by_number_are_counted(storage: Storage, pg: Postgres) -> None:
    filters, made = await _seeded(storage, pg)
    wanted = sorted(made, key=lambda each: (each.name, each.id))
    rows: list[Organization] = []
    for number in (1, 2, 3, 4):
        page = Page(limit=4, sort="name", order="asc", number=number)
        listed = await organizations.list(storage, SYSTEM, page, filters)
        assert listed.total == 11
        rows += listed.rows
    assert rows == wanted


@pytest.mark.parametrize(
    "page",
    [
        Page(limit=0),
        Page(limit=101),
        Page(limit=-1),
        Page(sort="password_hash"),
        Page(sort="1; --"),
        Page(order="up"),  # type: ignore[arg-type]
        Page(number=0),
        Page(number=10**9),
    ],
)
async def test_a_page_that_no_list_has_is_refused(storage: Storage, page: Page) -> None:
    with pytest.raises(Invalid, match="must be"):
        await organizations.list(storage, SYSTEM, page, OrganizationFilters())
