"""Limits: counted before they are judged, for each pair and each address, in every store."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
import pytest
import pytest_asyncio

from porta.errors import TooManyRequests
from porta.limits import rate_limits
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.postgres.driver import Postgres
from storage.redis.lane import Redis
from tests.world.runtime import opened

HERE, THERE = "192.0.2.1", "192.0.2.2"


@dataclass(slots=True)
class Stores:
    """Where the counters of a runtime are: one of both, or rather either."""

    pg: Postgres
    redis: Redis

    async def end_windows(self) -> None:
        """Let the windows end that are shorter than a day."""
        for name in await self.redis.command("KEYS", "porta:rate:*"):
            if await self.redis.command("PTTL", name) <= 900_000:
                await self.redis.command("DEL", name)
        await self.pg.execute(
            "UPDATE rate_counters SET window_ends_at = now()"
            " WHERE window_ends_at <= now() + interval '900 seconds'"
        )

    async def size(self) -> int:
        """Return how many counters there are."""
        names = await self.redis.command("KEYS", "porta:rate:*")
        row = await self.pg.fetchrow("SELECT count(*) FROM rate_counters")
        return len(names) + (row[0] if row else 0)


@pytest.fixture(scope="module", params=["redis", "postgres"])
def urls(request: pytest.FixtureRequest, redis_url: str) -> tuple[str, str | None]:
    create, template = (request.getfixturevalue(n) for n in ("create_database", "template"))
    return create(template), redis_url if request.param == "redis" else None


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(urls: tuple[str, str | None]) -> AsyncIterator[Runtime]:
    async with opened(*urls) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stores(urls: tuple[str, str | None], redis_url: str) -> AsyncIterator[Stores]:
    made = Stores(await Postgres.open(urls[0]), await Redis.open(redis_url))
    yield made
    await made.pg.close()
    await made.redis.close()


@pytest_asyncio.fixture
async def tenant(runtime: Runtime) -> Tenant:
    """Return a tenant nobody else counts for, with limits of 3 a pair, 5 an address, 2 a client."""
    real = await resolve.resolve(runtime, "acme")
    config = msgspec.structs.replace(
        real.config, rate_limit_login_max=3, rate_limit_address_max=5, rate_limit_client_auth_max=2,
        rate_limit_installation_max=10_000,
    )  # fmt: skip
    organization = msgspec.structs.replace(real.organization, id=opaque.new_value())
    return Tenant(organization, real.issuer, config, real.keys)


def _fresh() -> str:
    """Return an address that nothing was counted for."""
    return ".".join(["10", *(str(secrets.randbelow(256)) for _ in range(3))])


async def _login(runtime: Runtime, tenant: Tenant, email: str, address: str) -> bool:
    try:
        await rate_limits.of_login(tenant, email, address).count(runtime)
    except TooManyRequests as error:
        return not 0 < (error.retry_after or 0) <= 86_400
    return True


async def test_a_pair_has_so_many_attempts(runtime: Runtime, tenant: Tenant) -> None:
    tried = [await _login(runtime, tenant, "a@x.test", HERE) for _ in range(5)]
    assert tried == [True] * 3 + [False] * 2
    assert await _login(runtime, tenant, "a@x.test", THERE), "its owner comes from elsewhere"
    tried = [await _login(runtime, tenant, "b@x.test", HERE) for _ in range(3)]
    assert tried == [True] * 2 + [False], "the address has had five that were judged"


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
    await rate_limits.of_login(tenant, "a@x.test", HERE).reset(runtime)
    tried = [await _login(runtime, tenant, "a@x.test", HERE) for _ in range(4)]
    assert tried == [True] * 3 + [False], "two and three of five: the address is full"


async def test_forgiving_gives_no_credit(runtime: Runtime, tenant: Tenant) -> None:
    for _ in range(10):
        await rate_limits.of_login(tenant, "a@x.test", HERE).reset(runtime)
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
        await rate_limits.of_login(tenant, "a@x.test", HERE).decrement(runtime)
    tried = [await _login(runtime, tenant, f"{name}@x.test", HERE) for name in "aabbb"]
    assert tried == [True, False, True, True, False], "three each, and five in all"


async def test_giving_back_in_parallel_is_exact(runtime: Runtime, tenant: Tenant) -> None:
    async def unjudged() -> None:
        await _login(runtime, tenant, "a@x.test", HERE)
        await rate_limits.of_login(tenant, "a@x.test", HERE).decrement(runtime)

    await asyncio.gather(*(unjudged() for _ in range(30)))
    tried = [await _login(runtime, tenant, "a@x.test", HERE) for _ in range(4)]
    assert tried == [True] * 3 + [False]


async def _client(runtime: Runtime, tenant: Tenant, client_id: str, address: str) -> bool:
    try:
        await rate_limits.count_client_auth_failure(runtime, tenant, client_id, address)
    except TooManyRequests as error:
        return not 0 < (error.retry_after or 0) <= 86_400
    return True


async def test_failures_of_a_client_are_counted_for_its_address(
    runtime: Runtime, tenant: Tenant
) -> None:
    name = opaque.new_value()
    assert [await _client(runtime, tenant, name, HERE) for _ in range(4)] == [True] * 2 + [
        False
    ] * 2
    assert await _client(runtime, tenant, name, THERE)
    await rate_limits.reset_client_auth(runtime, tenant, name, HERE)
    assert await _client(runtime, tenant, name, HERE), "a right secret cleared the pair"
    before = runtime.storage.round_trips
    await rate_limits.reset_client_auth(runtime, tenant, opaque.new_value(), HERE)
    assert runtime.storage.round_trips == before, "whoever authenticates well costs nothing"


@pytest.mark.parametrize(
    ("blocks", "judged"),
    [
        ("2001:db8:{u:x}:7::{n:x}", 5),
        ("2001:db8:{u:x}:{n:x}::1", 20),
        ("2001:db8:{u:x}:{n:x}00::1", 80),
        ("10.{u:d}.7.9", 5),
        ("::ffff:10.{u:d}.7.9", 5),
    ],
    ids=["of a /64", "of a /56", "of a /48", "IPv4", "IPv4 in IPv6"],
)
async def test_security_3_a_block_is_counted_as_one(
    runtime: Runtime, tenant: Tenant, blocks: str, judged: int
) -> None:
    """130 guesses at 130 accounts from 130 addresses of a customer's network."""
    unique = secrets.randbelow(250) + 1
    for each in (_login, _client):
        tried = [
            await each(runtime, tenant, f"{n}@x.test", blocks.format(u=unique, n=n))
            for n in range(judged + 10)
        ]
        assert tried == [True] * judged + [False] * 10


async def test_security_3_an_address_has_so_many_attempts_at_all_organizations(
    runtime: Runtime, tenant: Tenant
) -> None:
    config = msgspec.structs.replace(tenant.config, rate_limit_installation_max=8)
    tenants = [
        Tenant(
            msgspec.structs.replace(tenant.organization, id=opaque.new_value()),
            tenant.issuer, config, tenant.keys,
        )
        for _ in range(4)
    ]  # fmt: skip
    for each in (_login, _client):
        tried = [await each(runtime, tenants[n % 4], f"{n}@x.test", _fresh()) for n in range(12)]
        assert all(tried), "from another address each time"
        here = _fresh()
        tried = [await each(runtime, tenants[n % 4], f"{n}@x.test", here) for n in range(12)]
        assert tried == [True] * 8 + [False] * 4


async def test_security_2_a_pair_is_counted_by_the_day_too(
    runtime: Runtime, tenant: Tenant, stores: Stores
) -> None:
    """One address that waits for the next window each time does not lock an account."""
    config = msgspec.structs.replace(
        tenant.config, rate_limit_login_max=10, rate_limit_address_max=100
    )
    patient = Tenant(tenant.organization, tenant.issuer, config, tenant.keys)
    for address in (_fresh(), "2001:db8:5:5::{n:x}", "2001:db8:6:{n:x}::1"):
        name, judged = f"{opaque.new_value()}@x.test", 0
        for n in range(120):
            judged += await _login(runtime, patient, name, address.format(n=n))
            await stores.end_windows()
        assert judged in (50, 99), "of a hundred that lock"


async def test_security_14_a_refused_sign_in_leaves_no_key(
    runtime: Runtime, tenant: Tenant, stores: Stores
) -> None:
    here = _fresh()
    for n in range(5):
        assert await _login(runtime, tenant, f"{n}@x.test", here)
    assert not await _login(runtime, tenant, "6@x.test", here)
    before = await stores.size()
    for n in range(50):
        assert not await _login(runtime, tenant, f"another-{n}@x.test", here)
    assert await stores.size() == before
