"""How many requests wait: counted by address block and by client, in every store (security 1)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from porta.browser import interactions
from porta.limits import request_limits
from porta.limits.rate_limits import Throttled
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.errors import Unreachable
from storage.models.clients import Client
from storage.models.interactions import Interaction
from tests import factories
from tests.world.runtime import opened
from tests.world.valkey import Valkey

Count = Callable[[Runtime, Tenant, Client, str], Awaitable[object]]
PUBLIC = factories.client(client_type="public", token_endpoint_auth_method="none")
SECRET = factories.client()


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["redis", "postgres"])
async def runtime(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Runtime]:
    create, template = (request.getfixturevalue(n) for n in ("create_database", "template"))
    async with opened(create(template), redis_url if request.param == "redis" else None) as made:
        yield made


def _limited(tenant: Tenant, **limits: int) -> Tenant:
    """Return the tenant as one that nobody counted for yet, with other limits."""
    defaults = {
        "rate_limit_request_max": 4,
        "rate_limit_request_installation_max": 1_000,
        "rate_limit_request_client_max": 1_000,
    }
    config = msgspec.structs.replace(tenant.config, **(defaults | limits))
    organization = msgspec.structs.replace(tenant.organization, id=str(uuid4()))
    return Tenant(organization, tenant.issuer, config, tenant.keys)


@pytest_asyncio.fixture
async def tenant(runtime: Runtime) -> Tenant:
    return await resolve.resolve(runtime, "acme")


def _ipv4() -> str:
    return ".".join(["10", *(str(secrets.randbelow(256)) for _ in range(3))])


def _ipv6(site: str, home: int = 0, host: int = 0, interface: int = 1) -> str:
    """Return an address of a /48; the next byte is its /56, the next its /64."""
    return f"2001:db8:{site}:{home:02x}{host:02x}::{interface:x}"


async def _keep(runtime: Runtime, tenant: Tenant, client: Client, address: str) -> str:
    """Have a request wait for a person; return what it is found by."""
    make = partial(
        Interaction,
        organization_id=tenant.id,
        slug=tenant.slug,
        client_id=client.client_id,
        parameters={},
        prompt="login",
        browser=opaque.new_value(),
        csrf=opaque.new_value(),
        created_at=int(runtime.clock()),
    )
    return await request_limits.keep_interaction(runtime, tenant, client, address, make)


async def _waits(
    runtime: Runtime,
    tenant: Tenant,
    address: str,
    client: Client = PUBLIC,
    count: Count = _keep,
) -> bool:
    """Leave one more request; tell whether it may wait."""
    try:
        await count(runtime, tenant, client, address)
    except Throttled as error:
        return not 0 < (error.retry_after or 0) <= tenant.config.rate_limit_request_window
    return True


@pytest.mark.parametrize("count", [_keep, request_limits.count_push])
async def test_security_1_an_address_may_leave_so_many(
    runtime: Runtime, tenant: Tenant, count: Count
) -> None:
    limited, here = _limited(tenant), _ipv4()
    waits = [await _waits(runtime, limited, here, count=count) for _ in range(6)]
    assert waits == [True] * 4 + [False] * 2
    assert await _waits(runtime, limited, _ipv4(), count=count), "others are left alone"


async def test_security_1_of_any_client(runtime: Runtime, tenant: Tenant) -> None:
    limited, here = _limited(tenant), _ipv4()
    clients = [factories.client(client_id=f"c{number}") for number in range(6)]
    waits = [await _waits(runtime, limited, here, client) for client in clients]
    assert waits == [True] * 4 + [False] * 2


async def test_security_1_addresses_of_one_block_count_as_one(
    runtime: Runtime, tenant: Tenant
) -> None:
    """A /64 as one address; a /56 may leave four times as much, a /48 sixteen times."""
    limited, site = _limited(tenant), f"{secrets.randbelow(2**16):x}"
    hosts = [await _waits(runtime, limited, _ipv6(site, interface=n)) for n in range(1, 7)]
    assert hosts == [True] * 4 + [False] * 2
    site = f"{secrets.randbelow(2**16):x}"
    home = [await _waits(runtime, limited, _ipv6(site, host=n)) for n in range(18)]
    assert home == [True] * 16 + [False] * 2
    site = f"{secrets.randbelow(2**16):x}"
    homes = [await _waits(runtime, limited, _ipv6(site, home=n)) for n in range(66)]
    assert homes == [True] * 64 + [False] * 2


async def test_security_1_over_the_installation_too(runtime: Runtime, tenant: Tenant) -> None:
    here = _ipv4()
    tenants = [_limited(tenant, rate_limit_request_installation_max=6) for _ in range(4)]
    waits = [await _waits(runtime, each, here) for each in tenants for _ in range(2)]
    assert waits == [True] * 6 + [False] * 2
    assert not await _waits(runtime, _limited(tenant, rate_limit_request_installation_max=6), here)


async def test_security_1_who_floods_a_client_is_refused_and_who_comes_by_is_not(
    runtime: Runtime, tenant: Tenant
) -> None:
    limited = _limited(tenant, rate_limit_request_max=200, rate_limit_request_client_max=10)
    greedy = _ipv4()
    waits = [await _waits(runtime, limited, greedy) for _ in range(15)]
    assert waits == [True] * 12 + [False] * 3, "the ten of the client, and a hundredth of 200"
    for _ in range(5):
        newcomer = _ipv4()
        assert [await _waits(runtime, limited, newcomer) for _ in range(3)] == [True, True, False]
    other = factories.client(client_id="other")
    assert await _waits(runtime, limited, greedy, other), "another client's people may"


async def test_security_1_a_share_is_one_at_least(runtime: Runtime, tenant: Tenant) -> None:
    """A hundredth of a small limit would be none, and a flood would shut everybody out."""
    limited = _limited(tenant, rate_limit_request_max=4, rate_limit_request_client_max=2)
    greedy = _ipv4()
    assert [await _waits(runtime, limited, greedy) for _ in range(4)] == [True] * 3 + [False]
    newcomer = _ipv4()
    assert [await _waits(runtime, limited, newcomer) for _ in range(2)] == [True, False]


async def test_security_1_wider_blocks_have_wider_shares(runtime: Runtime, tenant: Tenant) -> None:
    limited = _limited(tenant, rate_limit_request_max=100, rate_limit_request_client_max=1)
    assert [await _waits(runtime, limited, _ipv4()) for _ in range(2)] == [True, True]
    site = f"{secrets.randbelow(2**16):x}"
    home = [await _waits(runtime, limited, _ipv6(site, host=n)) for n in range(6)]
    assert home == [True] * 4 + [False] * 2, "one of each /64, four of a /56"
    assert await _waits(runtime, limited, _ipv6(site, home=1)), "sixteen of a /48"


async def test_security_1_who_is_refused_uses_up_nothing_of_the_client(
    runtime: Runtime, tenant: Tenant
) -> None:
    limited = _limited(tenant, rate_limit_request_client_max=8)
    greedy = _ipv4()
    assert sum([await _waits(runtime, limited, greedy) for _ in range(20)]) == 4
    assert all([await _waits(runtime, limited, _ipv4()) for _ in range(4)])


async def test_security_1_a_client_that_proved_itself_pushes_for_all_its_people(
    runtime: Runtime, tenant: Tenant
) -> None:
    limited, here = _limited(tenant, rate_limit_request_client_max=20), _ipv4()
    push = request_limits.count_push
    waits = [await _waits(runtime, limited, here, SECRET, push) for _ in range(22)]
    assert waits == [True] * 20 + [False] * 2


async def test_security_1_pushed_requests_and_those_of_people_count_apart(
    runtime: Runtime, tenant: Tenant
) -> None:
    limited, here = _limited(tenant), _ipv4()
    for count in (_keep, request_limits.count_push):
        waits = [await _waits(runtime, limited, here, count=count) for _ in range(5)]
        assert waits == [True] * 4 + [False]


async def test_security_1_parallel_requests_do_not_outrun_it(
    runtime: Runtime, tenant: Tenant
) -> None:
    limited, here = _limited(tenant), _ipv4()
    waits = await asyncio.gather(*(_waits(runtime, limited, here) for _ in range(30)))
    assert sum(waits) == 4


async def test_security_1_a_window_ends(runtime: Runtime, tenant: Tenant) -> None:
    limited, here = _limited(tenant, rate_limit_request_window=1), _ipv4()
    while await _waits(runtime, limited, here):
        pass
    for _ in range(100):
        if await _waits(runtime, limited, here):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("nobody may come again")


async def test_security_1_what_waits_is_kept(runtime: Runtime, tenant: Tenant) -> None:
    limited, here = _limited(tenant), _ipv4()
    kept = await interactions.find(runtime, await _keep(runtime, limited, PUBLIC, here))
    assert kept is not None
    assert (kept.organization_id, kept.client_id) == (limited.id, PUBLIC.client_id)


async def test_security_1_counting_costs_no_round_trip_of_its_own(
    runtime: Runtime, tenant: Tenant
) -> None:
    """With Redis. In PostgreSQL it is one more, and for a push that one."""
    expected = 1 if runtime.storage.has_redis else 2
    for address in (_ipv4(), _ipv6("1")):
        for count, most in ((_keep, expected), (request_limits.count_push, 1)):
            before = runtime.storage.round_trips
            await count(runtime, tenant, PUBLIC, address)
            after = runtime.storage.round_trips
            assert after.postgres - before.postgres + after.redis - before.redis == most


async def test_security_1_it_counts_on_while_redis_is_away(
    fresh_database_url: str, own_redis: Valkey
) -> None:
    async with opened(fresh_database_url, own_redis.url) as runtime:
        limited, here = _limited(await resolve.resolve(runtime, "acme")), _ipv4()
        own_redis.stop()
        waits = [await _waits(runtime, limited, here) for _ in range(6)]
        assert waits == [True] * 4 + [False] * 2


async def test_security_1_where_nothing_can_be_counted_nothing_is_kept(
    fresh_database_url: str,
) -> None:
    async with opened(fresh_database_url, None) as runtime:
        tenant = _limited(await resolve.resolve(runtime, "acme"))
        await runtime.storage.close()
        with pytest.raises(Unreachable):
            await _keep(runtime, tenant, PUBLIC, _ipv4())
