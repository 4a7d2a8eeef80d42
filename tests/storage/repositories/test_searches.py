"""What a search reads does not grow with the table, where nobody owns it (row-level security).

PostgreSQL does not tell such a role how many rows a pattern matches. By its guess a page of what
many match was found by the index of searches, all of it read and sorted, and one of what few match
by walking through all that there is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from storage.models.audit import AuditEntry, AuditFilter
from storage.models.pages import Listed, Page
from storage.postgres.driver import Postgres
from storage.postgres.statement import Executor
from storage.repositories.api_resources import ApiResources
from storage.repositories.applications import Applications
from storage.repositories.audit import Audit
from storage.repositories.clients import Clients
from storage.repositories.organizations import Organizations
from storage.repositories.pagination import RARE
from storage.repositories.users import Users
from tests.world.explaining import Explaining

# Whoever comes first has the tables filled, which takes a busy machine its time.
pytestmark = pytest.mark.timeout(600)

ROWS = 20_000
MOST_PAGES = 400
"""Of 8 KiB each. A page of twenty, and to know that more than 2,000 match, these."""
ORGANIZATION = "0" * 31 + "a"
_SEED = """
INSERT INTO organizations (id, name, slug) VALUES (%(organization)s, 'Home', 'home');
INSERT INTO organizations (name, slug)
    SELECT CASE WHEN n %% 5000 = 0 THEN 'Qux ' ELSE 'Seeded ' END || n, 'seeded-' || n
    FROM generate_series(1, %(rows)s) n;
INSERT INTO applications (name, slug, description)
    SELECT CASE WHEN n %% 5000 = 0 THEN 'Qux ' ELSE 'Seeded ' END || n, 'seeded-' || n,
        repeat('x', 400)
    FROM generate_series(1, %(rows)s) n;
INSERT INTO clients (organization_id, application_id, client_id, client_name, client_type)
    SELECT %(organization)s, (SELECT id FROM applications WHERE slug = 'seeded-1'), 'client-' || n,
        CASE WHEN n %% 5000 = 0 THEN 'Qux ' ELSE 'Seeded ' END || n, 'public'
    FROM generate_series(1, %(rows)s) n;
INSERT INTO users (organization_id, email, given_name)
    SELECT %(organization)s, 'seeded-' || n || '@a.test',
        CASE WHEN n %% 5000 = 0 THEN 'Qux' ELSE 'Ann' END
    FROM generate_series(1, %(rows)s) n;
INSERT INTO audit_log (organization_id, event_type, event_category, description, created_at,
        metadata)
    SELECT %(organization)s, 'x', 'admin', repeat('x', 400), now() - n * interval '1 second',
        jsonb_build_object('application_id', 'a' || n %% 10, 'client_id', 'c' || n %% 10)
    FROM generate_series(1, %(rows)s) n;
INSERT INTO audit_log (organization_id, event_type, event_category, created_at)
    SELECT %(organization)s, CASE WHEN n %% 2 = 0 THEN 'user.old' ELSE 'user.older' END, 'admin',
        now() - (n + 1) * interval '1 year'
    FROM generate_series(1, 30) n;
INSERT INTO api_resources (organization_id, identifier, name, created_at)
    SELECT %(organization)s, 'https://api.test/seeded-' || n,
        CASE WHEN n %% 5000 = 0 THEN 'Qux ' ELSE 'API ' END || n, now() - n * interval '1 second'
    FROM generate_series(1, %(rows)s) n
"""


Search = Callable[[Executor, Page, str], Awaitable[Listed[Any]]]
SEARCHES: dict[str, Search] = {
    "organizations": lambda pg, page, text: Organizations(pg).list_page(page, search=text),
    "applications": lambda pg, page, text: Applications(pg).list_page(page, search=text),
    "clients": lambda pg, page, text: Clients(pg).list_page(page, search=text),
    "people": lambda pg, page, text: Users(pg).list_page(ORGANIZATION, page, search=text),
    "API resources": lambda pg, page, text: ApiResources(pg).list_page(
        ORGANIZATION, page, search=text
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def administrator(database_url: str) -> AsyncIterator[Executor]:
    """Who sees every organization, and owns no table."""
    owner = await Postgres.open(database_url, 1, statement_timeout=0)
    await owner.execute(_SEED, {"organization": ORGANIZATION, "rows": ROWS})
    await owner.execute(
        "VACUUM (ANALYZE) organizations, applications, clients, users, audit_log, api_resources"
    )
    await owner.close()
    opened = await Postgres.open(database_url, 1, statement_timeout=0, isolated=True)
    yield opened.everywhere
    await opened.close()


@pytest.mark.parametrize(
    ("text", "found"),
    [("seeded", 20), ("see", 20), ("qux", 4), ("xyz", 0), ("seeded-1999", 11)],
    ids=["common", "common and short", "rare and short", "none", "rare"],
)
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("family", SEARCHES)
async def test_a_search_reads_a_few_pages(
    administrator: Executor, family: str, order: Any, text: str, found: int
) -> None:
    if family == "clients":
        text = text.replace("-", " ")  # they are searched by name
    explaining = Explaining(administrator)
    listed = await SEARCHES[family](explaining, Page(order=order), text)
    assert len(listed.rows) == found
    for each in explaining.read:
        assert each.pages <= MOST_PAGES, each.plan


@pytest.mark.parametrize("family", SEARCHES)
async def test_a_list_reads_a_few_pages(administrator: Executor, family: str) -> None:
    explaining = Explaining(administrator)
    assert len((await SEARCHES[family](explaining, Page(), "")).rows) == 20
    for each in explaining.read:
        assert each.pages <= MOST_PAGES, each.plan
    assert RARE < ROWS, "or nothing here is common"


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", ["identifier", "name", "created_at"])
async def test_api_resources_are_listed_in_any_order_by_a_few_pages(
    administrator: Executor, sort: str, order: Any
) -> None:
    explaining = Explaining(administrator)
    page = Page(sort=sort, order=order)
    first = await ApiResources(explaining).list_page(ORGANIZATION, page)
    onwards = msgspec.structs.replace(page, cursor=first.next)
    second = await ApiResources(explaining).list_page(ORGANIZATION, onwards)
    assert (len(first.rows), len(second.rows)) == (20, 20)
    for each in explaining.read:
        assert each.pages <= MOST_PAGES, each.plan


@pytest.mark.parametrize("organization", [None, ORGANIZATION], ids=["all", "one"])
@pytest.mark.parametrize("prefix", ["user.", "user.older", "x", "nothing.", "", "%"])
async def test_entries_whose_type_begins_so_are_found_by_a_few_pages(
    administrator: Executor, prefix: str, organization: str | None
) -> None:
    """However long ago they were: all others stand before them, and those of others between."""
    wanted = AuditFilter(event_prefix=prefix, organization_id=organization)
    explaining = Explaining(administrator)
    audit, cursor = Audit(explaining), None
    found: list[AuditEntry] = []
    for _ in range(2):
        listed = await audit.list(wanted, Page(limit=20, cursor=cursor))
        found += listed.rows
        cursor = listed.next
        if cursor is None:
            break
    expected = {"user.": 30, "user.older": 15, "nothing.": 0, "%": 0}.get(prefix, 40)
    assert len({each.id for each in found}) == len(found) == expected
    assert all(each.event_type.startswith(prefix) for each in found)
    moments = [each.created_at for each in found]
    assert moments == sorted(moments, reverse=True)
    for each in explaining.read:
        assert each.pages <= MOST_PAGES, each.plan


@pytest.mark.parametrize("named", ["a1", "c1", "a-none", "c-none"])
@pytest.mark.parametrize("backwards", [False, True], ids=["on", "back"])
async def test_the_history_of_one_reads_a_few_pages(
    administrator: Executor, named: str, backwards: bool
) -> None:
    whose = "application_id" if named[0] == "a" else "client_id"
    wanted = msgspec.structs.replace(AuditFilter(), **{whose: named})
    page = Page(limit=20)
    audit = Audit(administrator)
    if backwards and (await audit.list(wanted, page)).next is not None:
        second = await audit.list(wanted, Page(cursor=(await audit.list(wanted, page)).next))
        page = Page(cursor=second.previous)
    explaining = Explaining(administrator)
    listed = await Audit(explaining).list(wanted, page)
    assert len(listed.rows) == (0 if "none" in named else 20)
    moments = [each.created_at for each in listed.rows]
    assert moments == sorted(moments, reverse=True)
    for each in explaining.read:
        assert each.pages <= MOST_PAGES, each.plan
