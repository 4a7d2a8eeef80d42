"""Domains are looked at again: what is missing for long has lapsed, and nothing is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
import pytest_asyncio

from porta.jobs import JOBS, check_domains
from porta.runtime import Runtime
from porta.services import domains
from storage.models.domains import Domain
from storage.postgres.driver import Postgres
from tests import factories
from tests.factories import new_id
from tests.world.name_server import NameServer, name_server
from tests.world.served import settings_for


@pytest.fixture
def names() -> Iterator[NameServer]:
    with name_server() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def runtime(database_url: str, names: NameServer) -> AsyncIterator[Runtime]:
    settings = settings_for(database_url, None, dns_resolvers=names.address)
    opened = await Runtime.open(settings)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def domain(runtime: Runtime, names: NameServer) -> Domain:
    """Proven, and its record is there."""
    storage = runtime.storage.everywhere
    home = factories.organization(id=new_id(), slug=f"d-{new_id()}")
    await storage.organizations.insert(home)
    new = Domain(id=new_id(), organization_id=home.id, domain="acme.example", challenge="x")
    await storage.domains.insert(new)
    name, text = domains.record_of(new)
    names.texts[name] = [text]
    found = await storage.domains.found(new.id, home.id)
    assert found is not None
    return found


async def _check(runtime: Runtime, domain: Domain) -> Domain:
    storage = runtime.storage.everywhere
    before = await storage.domains.find(domain.id)
    assert before is not None
    await check_domains.check(runtime, before)
    after = await storage.domains.find(domain.id)
    assert after is not None
    return after


async def _lapses(pg: Postgres, domain: Domain) -> int:
    rows = await pg.fetch(
        "SELECT 1 FROM audit_log WHERE event_type = 'domain.lapsed' AND organization_id = %(id)s",
        {"id": domain.organization_id},
    )
    return len(rows)


async def test_it_is_among_the_jobs() -> None:
    assert check_domains.JOB in JOBS


async def test_what_is_missing_three_times_has_lapsed_once_and_may_come_back(
    runtime: Runtime, pg: Postgres, names: NameServer, domain: Domain
) -> None:
    kept, names.texts = names.texts, {}
    assert (await _check(runtime, domain)).lapsed_at is None
    assert (await _check(runtime, domain)).lapsed_at is None
    lapsed = await _check(runtime, domain)
    assert lapsed.lapsed_at is not None
    assert lapsed.verified_at == domain.verified_at
    assert (await _check(runtime, domain)).lapsed_at == lapsed.lapsed_at
    assert await _lapses(pg, domain) == 1
    names.texts = kept
    back = await _check(runtime, domain)
    assert (back.lapsed_at, back.failures, back.verified_at) == (None, 0, domain.verified_at)


async def test_where_nobody_says_nothing_is_known(
    runtime: Runtime, names: NameServer, domain: Domain
) -> None:
    names.refuses |= set(names.texts)
    assert await _check(runtime, domain) == domain


async def test_two_who_look_at_once_count_once(
    runtime: Runtime, names: NameServer, domain: Domain
) -> None:
    names.texts = {}
    await asyncio.gather(*(check_domains.check(runtime, domain) for _ in range(2)))
    after = await runtime.storage.everywhere.domains.find(domain.id)
    assert after is not None
    assert after.failures == 1


async def test_what_was_looked_at_lately_is_not_due(
    runtime: Runtime, pg: Postgres, domain: Domain
) -> None:
    asked = (check_domains.EVERY, check_domains.SOON, check_domains._FIRST, 1000)
    everywhere = runtime.storage.everywhere.domains

    async def due_after(days: int, failures: int) -> bool:
        await pg.execute(
            "UPDATE domains SET checked_at = now() - make_interval(days => %(days)s),"
            " failures = %(failures)s WHERE id = %(id)s",
            {"days": days, "failures": failures, "id": domain.id},
        )
        return domain.id in {each.id for each in await everywhere.due(*asked)}

    assert [await due_after(*each) for each in ((0, 0), (6, 0), (8, 0))] == [False, False, True]
    assert [await due_after(*each) for each in ((0, 1), (2, 1))] == [False, True]


async def test_what_nobody_has_proven_is_not_looked_at(
    runtime: Runtime, pg: Postgres, domain: Domain
) -> None:
    new = msgspec.structs.replace(domain, id=new_id(), domain="other.example")
    await runtime.storage.everywhere.domains.insert(new)
    asked = (check_domains.EVERY, check_domains.SOON, check_domains._FIRST, 1000)
    due = await runtime.storage.everywhere.domains.due(*asked)
    assert new.id not in {each.id for each in due}
