"""Rate counters: on Redis, on PostgreSQL, and on PostgreSQL while Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest
import pytest_asyncio

from storage.errors import Unreachable
from storage.models.artifact import artifact_id
from storage.opening import open_client
from storage.postgres.driver import Postgres
from storage.redis.breaker import RedisBreaker
from storage.redis.client import RedisClient
from storage.redis.lane import Redis
from storage.stores.counters import (
    Counters,
    FallbackCounters,
    Limit,
    PostgresCounters,
    RedisCounters,
)
from tests.world.topologies import keys
from tests.world.valkey import Valkey

Shorten = Callable[[str, float], Awaitable[None]]
Stored = Callable[..., Awaitable[list[str]]]


@pytest_asyncio.fixture(params=["redis", "postgres", "fallback", "sentinel", "cluster"])
async def kind(request: pytest.FixtureRequest, redis_url: str) -> tuple[str, str]:
    """Which counters are looked at, and the URL of their Redis."""
    topologies = {"sentinel": "sentinel_url", "cluster": "cluster_url"}
    name: str = request.param
    if name in topologies:
        return "redis", request.getfixturevalue(topologies[name])
    return name, redis_url


@pytest_asyncio.fixture
async def redis(kind: tuple[str, str]) -> AsyncIterator[RedisClient]:
    redis = await open_client(kind[1])
    yield redis
    await redis.close()


@pytest.fixture
def counters(kind: tuple[str, str], redis: RedisClient, pg: Postgres) -> Counters:
    first, second = RedisCounters(redis), PostgresCounters(pg)
    every: dict[str, Counters] = {
        "redis": first,
        "postgres": second,
        "fallback": FallbackCounters(RedisBreaker(redis), second),
    }
    return every[kind[0]]


@pytest.fixture
def stored(kind: tuple[str, str]) -> Stored:
    """Return a function that names the keys in Redis, seen through other eyes."""

    async def names(pattern: str = "porta:rate:*") -> list[str]:
        return await asyncio.to_thread(keys, kind[1], pattern)

    return names


@pytest.fixture
def shorten(stored: Stored, redis: RedisClient, pg: Postgres) -> Shorten:
    """Return a function that leaves `seconds` of every window of a key."""

    async def run(key: str, seconds: float) -> None:
        digest = artifact_id(key)
        for name in await stored(f"porta:rate:*{digest}"):
            await redis.command("PEXPIRE", name, int(seconds * 1000))
        await pg.execute(
            "UPDATE rate_counters SET window_ends_at = now() + make_interval(secs => %(s)s)"
            " WHERE key = %(key)s",
            {"key": digest, "s": seconds},
        )

    return run


@pytest.fixture
def key() -> str:
    return f"login:{uuid4()}"


async def _spend(counters: Counters, key: str, *bounds: int) -> tuple[int, bool] | None:
    """Count under limits of so many attempts; return the place of the exceeded one, and whether
    it was the first above it.
    """
    limits = [Limit(f"{key}:{place}", most, 60) for place, most in enumerate(bounds)]
    excess = await counters.spend(key, limits)
    if excess is None:
        return None
    assert 0 < excess.retry_after <= 60
    return limits.index(excess.limit), excess.first


async def test_an_attempt_is_counted_under_every_limit_or_under_none(
    counters: Counters, redis: RedisClient, pg: Postgres, key: str
) -> None:
    await counters.spend(key, [Limit(f"{key}:first", 1, 60)])
    before = redis.round_trips + pg.round_trips
    assert [await _spend(counters, key, 4, 2) for _ in range(5)] == [
        None, None, (1, True), (1, False), (1, False),
    ]  # fmt: skip
    assert redis.round_trips + pg.round_trips == before + 5
    assert [await _spend(counters, key, 4) for _ in range(3)] == [None, None, (0, True)], (
        "what the narrow limit refused took nothing of the wide one"
    )
    assert await _spend(counters, f"{key}:x", 3) is None


async def test_security_14_what_is_refused_leaves_no_key(
    counters: Counters, stored: Stored, pg: Postgres, key: str
) -> None:
    async def count() -> int:
        row = await pg.fetchrow("SELECT count(*) FROM rate_counters")
        return len(await stored()) + (row[0] if row else 0)

    before = await count()
    for number in range(30):
        limits = [Limit(f"{key}:{number}", 9, 60), Limit(key, 3, 60)]
        assert (await counters.spend(key, limits) is None) == (number < 3)
    assert await count() == before + 4


async def test_parallel_attempts_do_not_outrun_a_limit(counters: Counters, key: str) -> None:
    told = await asyncio.gather(*(_spend(counters, key, 100, 7, 100) for _ in range(60)))
    assert told.count(None) == 7
    assert told.count((1, True)) == 1


async def test_later_attempts_do_not_prolong_the_window(counters: Counters, key: str) -> None:
    for seconds in (30, 600):
        excess = await counters.spend(key, [Limit(key, 1, seconds)])
    assert excess is not None
    assert 0 < excess.retry_after <= 30


async def test_a_window_that_ended_begins_another(
    counters: Counters, shorten: Shorten, key: str
) -> None:
    assert [await _spend(counters, key, 1) for _ in range(2)] == [None, (0, True)]
    await shorten(f"{key}:0", 0)
    assert [await _spend(counters, key, 1) for _ in range(2)] == [None, (0, True)]


async def test_what_is_settled_begins_anew_or_has_one_attempt_more(
    counters: Counters, redis: RedisClient, pg: Postgres, key: str
) -> None:
    for _ in range(2):
        await _spend(counters, key, 9, 9, 9)
    # A script is sent whole where it never ran.
    await counters.settle(key, returned=[f"{key}:none"])
    before = redis.round_trips + pg.round_trips
    await counters.settle(key, forgotten=[f"{key}:0"], returned=[f"{key}:1", f"{key}:none"])
    assert redis.round_trips + pg.round_trips == before + 1
    assert await _spend(counters, key, 1, 2) is None, "two less one"
    assert await _spend(counters, key, 1, 9) == (0, True), "one of none"
    assert await _spend(counters, key, 9, 9, 2) == (2, True), "the third is as it was"
    await counters.settle(key, returned=[f"{key}:none"] * 3)
    assert await counters.spend(key, [Limit(f"{key}:none", 1, 60)]) is None
    assert await counters.spend(key, [Limit(f"{key}:none", 1, 60)]) is not None, "no credit"


async def test_nothing_to_count_is_nothing(counters: Counters, key: str) -> None:
    assert await counters.spend(key, []) is None
    await counters.settle(key)


async def test_settling_and_spending_at_once_never_deadlock(counters: Counters, key: str) -> None:
    keys = [f"{key}:{place}" for place in range(6)]
    await asyncio.gather(*(
        each
        for _ in range(25)
        for each in (
            _spend(counters, key, *[99] * 6),
            counters.settle(key, returned=keys),
            counters.settle(key, forgotten=keys[4:], returned=keys[:4]),
        )
    ))  # fmt: skip


async def test_keys_of_one_attempt_live_together(
    redis: RedisClient, stored: Stored, key: str
) -> None:
    """A cluster takes a script for keys of one slot only, which the braces name."""
    await RedisCounters(redis).spend(key, [Limit(f"{key}:{n}", 9, 60) for n in range(4)])
    names = await stored("porta:rate:{*")
    tags = {name.partition("{")[2].partition("}")[0] for name in names}
    assert artifact_id(key)[:16] in tags


async def test_a_key_is_not_stored_as_it_is(
    counters: Counters, stored: Stored, pg: Postgres
) -> None:
    await counters.spend("jane@example.com", [Limit("login:jane@example.com", 9, 60)])
    names = await stored("*")
    names += [row[0] for row in await pg.fetch("SELECT key FROM rate_counters")]
    assert names
    assert not [name for name in names if "jane" in name]


async def test_a_redis_that_goes_away_opens_no_limit(
    own_redis: Valkey, pg: Postgres, key: str
) -> None:
    redis = await Redis.open(own_redis.url)
    counters = FallbackCounters(RedisBreaker(redis), PostgresCounters(pg))
    assert [await _spend(counters, key, 2) for _ in range(3)] == [None, None, (0, True)]
    own_redis.stop()
    assert [await _spend(counters, key, 2) for _ in range(3)] == [None, None, (0, True)]
    await counters.settle(key, forgotten=[f"{key}:0"])
    assert await _spend(counters, key, 2) is None
    with pytest.raises(Unreachable):
        await _spend(RedisCounters(redis), key, 1)
    await redis.close()
