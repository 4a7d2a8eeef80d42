"""Limits: counted before they are judged, for each pair and each address, in every store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from porta import rate_limits, tenancy
from porta.errors import TooManyRequests
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenant import Tenant
from tests.porta.opened import opened

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["redis", "postgres"])
async def runtime(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Runtime]:
    create, template = (request.getfixturevalue(n) for n in ("create_database", "template"))
    url = redis_url if request.param == "redis" else None
    async with opened(create(template), url) as made:
        yield made


@pytest_asyncio.fixture
async def tenant(runtime: Runtime) -> Tenant:
    """Return a tenant nobody else counts for, with limits of 3 a pair, 5 an address, 2 a client."""
    real = await tenancy.resolve(runtime, "acme")
    config = msgspec.structs.replace(
        real.config, rate_limit_login_max=3, rate_limit_address_max=5, rate_limit_client_auth_max=2
    )
    organization = msgspec.structs.replace(real.organization, id=opaque.new_value())
    return Tenant(organization, real.issuer, config, real.keys)


async def _login(runtime: Runtime, tenant: Tenant, email: str, address: str) -> bool:
    try:
        await rate_limits.count_login(runtime, tenant, email, address)
    except TooManyRequests as error:
        return not 0 < (error.retry_after or 0) <= 900
    return True


async def test_a_pair_has_so_many_attempts(runtime: Runtime, tenant: Tenant) -> None:
    tried = [await _login(runtime, tenant, "a@x.test", HERE) for _ in range(5)]
    assert tried == [True] * 3 + [False] * 2
    assert await _login(runtime, tenant, "a@x.test", THERE), "its owner comes from elsewhere"
    assert not await _login(runtime, tenant, "b@x.test", HERE), "the address has had five"


async def test_an_address_has_so_many_attempts_for_all(runtime: Runtime, tenant: Tenant) -> None:
    tried = [await _login(runtime, tenant, f"{n}@x.test", HERE) for n in range(7)]
    assert tried == [True] * 5 + [False] * 2


async def test_another_organization_counts_for_itself(runtime: Runtime, tenant: Tenant) -> None:
    other = msgspec.structs.replace(tenant.organization, id=opaque.new_value())
    neighbour = Tenant(other, tenant.issuer, tenant.config, tenant.keys)
    for _ in range(4):
        await _login(runtime, tenant, "a@x.test", HERE)
    assert await _login(runtime, neighbour, "a@x.test", HERE)


async def test_parallel_attempts_are_all_counted(runtime: Runtime, tenant: Tenant) -> None:
    tried = await asyncio.gather(*(_login(runtime, tenant, "a@x.test", HERE) for _ in range(30)))
    assert tried.count(True) == 3


async def test_a_right_password_clears_the_pair_and_gives_one_attempt_back(
    runtime: Runtime, tenant: Tenant
) -> None:
    for _ in range(3):
        await _login(runtime, tenant, "a@x.test", HERE)
    await rate_limits.forgive_login(runtime, tenant, "a@x.test", HERE)
    tried = [await _login(runtime, tenant, "a@x.test", HERE) for _ in range(4)]
    assert tried == [True] * 3 + [False], "two and three of five: the address is full"


async def test_forgiving_gives_no_credit(runtime: Runtime, tenant: Tenant) -> None:
    for _ in range(10):
        await rate_limits.forgive_login(runtime, tenant, "a@x.test", HERE)
    tried = [await _login(runtime, tenant, "a@x.test", HERE) for _ in range(4)]
    assert tried == [True] * 3 + [False]


@pytest.mark.parametrize(
    ("locks_at", "allowed"), [(0, 3), (100, 3), (4, 3), (3, 2), (2, 1), (1, 1)]
)
async def test_one_address_alone_locks_no_account(
    runtime: Runtime, tenant: Tenant, locks_at: int, allowed: int
) -> None:
    """Requirement F.7: one attempt is left to the owner, who comes from another address."""
    config = msgspec.structs.replace(tenant.config, max_failed_logins=locks_at)
    strict = Tenant(tenant.organization, tenant.issuer, config, tenant.keys)
    tried = [await _login(runtime, strict, "a@x.test", HERE) for _ in range(5)]
    assert tried == [True] * allowed + [False] * (5 - allowed)
    assert await _login(runtime, strict, "a@x.test", THERE)


async def test_what_nobody_judged_is_given_back_to_pair_and_address(
    runtime: Runtime, tenant: Tenant
) -> None:
    for _ in range(2):
        await _login(runtime, tenant, "a@x.test", HERE)
    for _ in range(4):
        assert await _login(runtime, tenant, "a@x.test", HERE)
        await rate_limits.give_back_login(runtime, tenant, "a@x.test", HERE)
    tried = [await _login(runtime, tenant, f"{name}@x.test", HERE) for name in "aabbb"]
    assert tried == [True, False, True, False, False], "two of before, and one of three each"


async def test_giving_back_in_parallel_is_exact(runtime: Runtime, tenant: Tenant) -> None:
    async def unjudged() -> None:
        await _login(runtime, tenant, "a@x.test", HERE)
        await rate_limits.give_back_login(runtime, tenant, "a@x.test", HERE)

    await asyncio.gather(*(unjudged() for _ in range(30)))
    tried = [await _login(runtime, tenant, "a@x.test", HERE) for _ in range(4)]
    assert tried == [True] * 3 + [False]


async def test_failed_clients_are_shut_out_for_their_address(
    runtime: Runtime, tenant: Tenant
) -> None:
    name = opaque.new_value()
    for _ in range(2):
        rate_limits.check_client_auth(runtime, tenant, name, HERE)
        await rate_limits.count_client_auth_failure(runtime, tenant, name, HERE)
    with pytest.raises(TooManyRequests):
        await rate_limits.count_client_auth_failure(runtime, tenant, name, HERE)
    before = runtime.storage.round_trips
    with pytest.raises(TooManyRequests) as caught:
        rate_limits.check_client_auth(runtime, tenant, name, HERE)
    assert 0 < (caught.value.retry_after or 0) <= 300
    rate_limits.check_client_auth(runtime, tenant, name, THERE)
    rate_limits.check_client_auth(runtime, tenant, "another", HERE)
    assert runtime.storage.round_trips == before, "whoever authenticates well costs nothing"
