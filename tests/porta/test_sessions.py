"""Sessions: a new value at each sign-in, one person each, one organization, and an end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from porta import sessions, tenancy
from porta.runtime import Runtime
from porta.tenant import Tenant
from storage.models.artifacts import Session
from tests.porta.opened import opened

ALICE = "00000000-0000-4000-8000-00000000000a"
BOB = "00000000-0000-4000-8000-00000000000b"


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["redis", "postgres"])
async def runtime(
    request: pytest.FixtureRequest, database_url: str, redis_url: str
) -> AsyncIterator[Runtime]:
    create, template = (request.getfixturevalue(n) for n in ("create_database", "template"))
    url = redis_url if request.param == "redis" else None
    async with opened(create(template), url) as made:
        yield made


@pytest_asyncio.fixture
async def tenant(runtime: Runtime) -> Tenant:
    return await tenancy.resolve(runtime, "acme")


async def _sign_in(
    runtime: Runtime, tenant: Tenant, account: str = ALICE, previous: str | None = None
) -> tuple[Session, str]:
    return await sessions.sign_in(
        runtime, tenant, account, amr=("pwd",), acr="urn:test", previous=previous
    )


async def test_a_session_is_found_by_the_value_of_its_cookie(
    runtime: Runtime, tenant: Tenant
) -> None:
    session, value = await _sign_in(runtime, tenant)
    assert await sessions.find(runtime, tenant, value) == session
    assert value not in repr(session), "which it does not know itself"
    assert session.expires_at - session.created_at == tenant.config.session_ttl


@pytest.mark.parametrize(
    "change", [str.swapcase, lambda v: v[:-1], lambda v: v + "x", lambda v: f" {v}", lambda v: ""]
)
async def test_no_other_value_finds_it(runtime: Runtime, tenant: Tenant, change: object) -> None:
    session, value = await _sign_in(runtime, tenant)
    assert callable(change)
    for other in (change(value), session.id, session.uid, None, "é" * 43, "\ud800" * 43):
        assert await sessions.find(runtime, tenant, other) is None


async def test_another_organization_does_not_know_it(runtime: Runtime, tenant: Tenant) -> None:
    other = await tenancy.resolve(runtime, "globex")
    session, value = await _sign_in(runtime, tenant)
    assert await sessions.find(runtime, other, value) is None
    assert (await _sign_in(runtime, other, previous=session.uid))[0].uid != session.uid
    assert await sessions.find(runtime, tenant, value) == session, "and does it no harm"


async def test_the_same_person_keeps_the_uid_and_gets_a_new_value(
    runtime: Runtime, tenant: Tenant
) -> None:
    first, old = await _sign_in(runtime, tenant)
    second, new = await _sign_in(runtime, tenant, previous=first.uid)
    assert (second.uid, second.created_at) == (first.uid, first.created_at)
    assert new != old
    assert await sessions.find(runtime, tenant, old) is None
    assert await sessions.find(runtime, tenant, new) == second


async def test_another_person_ends_the_session_before(runtime: Runtime, tenant: Tenant) -> None:
    first, old = await _sign_in(runtime, tenant)
    second, new = await _sign_in(runtime, tenant, BOB, previous=first.uid)
    assert second.uid != first.uid
    assert await sessions.find(runtime, tenant, old) is None
    assert await sessions.find(runtime, tenant, new) == second


async def test_a_session_that_is_over_gives_its_uid_to_nobody(
    runtime: Runtime, tenant: Tenant
) -> None:
    first, value = await _sign_in(runtime, tenant)
    await sessions.sign_out(runtime, first)
    assert await sessions.find(runtime, tenant, value) is None
    second, _ = await _sign_in(runtime, tenant, previous=first.uid)
    assert second.uid != first.uid
