"""Rate counters: on Redis, on PostgreSQL, and on PostgreSQL while Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from storage.counters import (
    Counters,
    FallbackCounters,
    Limit,
    PostgresCounters,
    RedisCounters,
)
from storage.errors import Unreachable
from storage.models.artifacts import artifact_id
from storage.postgres import Postgres
from storage.redis import Redis
from storage.redis_breaker import RedisBreaker
from tests.storage.counting import within
from tests.storage.valkey import Valkey


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = await Redis.open(redis_url)
    yield redis
    await redis.close()


@pytest.fixture(params=["redis", "postgres", "fallback"])
def counters(request: pytest.FixtureRequest, redis: Redis, pg: Postgres) -> Counters:
    first, second = RedisCounters(redis), PostgresCounters(pg)
    every: dict[str, Counters] = {
        "redis": first,
        "postgres": second,
        "fallback": FallbackCounters(RedisBreaker(redis), second),
    }
    return every[request.param]


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
    counters: Counters, redis: Redis, pg: Postgres, key: str
) -> None:
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
    counters: Counters, redis: Redis, pg: Postgres, key: str
) -> None:
    async def stored() -> int:
        names = await redis.command("KEYS", "porta:rate:*")
        row = await pg.fetchrow("SELECT count(*) FROM rate_counters")
        return len(names) + (row[0] if row else 0)

    before = await stored()
    for number in range(30):
        limits = [Limit(f"{key}:{number}", 9, 60), Limit(key, 3, 60)]
        assert (await counters.spend(key, limits) is None) == (number < 3)
    assert await stored() == before + 4


async def test_parallel_attempts_do_not_outrun_a_limit(counters: Counters, key: str) -> None:
    told = await asyncio.gather(*(_spend(counters, key, 100, 7, 100) for _ in range(60)))
    assert told.count(None) == 7
    assert told.count((1, True)) == 1


async def test_later_attempts_do_not_prolong_the_window(
    counters: Counters, redis: Redis, pg: Postgres, key: str
) -> None:
    for seconds in (30, 600):
        excess = await counters.spend(key, [Limit(key, 1, seconds)])
    assert excess is not None
    assert 0 < excess.retry_after <= 30


async def test_a_window_that_ended_begins_another(
    counters: Counters, redis: Redis, pg: Postgres, key: str
) -> None:
    assert [await _spend(counters, key, 1) for _ in range(2)] == [None, (0, True)]
    for name in await redis.command("KEYS", "porta:rate:*"):
        await redis.command("PEXPIRE", name, 0)
    await pg.execute("UPDATE rate_counters SET window_ends_at = now()")
    assert [await _spend(counters, key, 1) for _ in range(2)] == [None, (0, True)]


async def test_what_is_settled_begins_anew_or_has_one_attempt_more(
    counters: Counters, redis: Redis, pg: Postgres, key: str
) -> None:
    for _ in range(2):
        await _spend(counters, key, 9, 9, 9)
    before = redis.round_trips + pg.round_trips
    await counters.settle(key, forgotten=[f"{key}:0"], returned=[f"{key}:1", f"{key}:none"])
    assert redis.round_trips + pg.round_trips == before + 1
    assert await _spend(counters, key, 1, 2) is None, "two less one"
    assert await _spend(counters, key, 1, 9) == (0, True), "one of none"
    assert await _spend(counters, key, 9, 9, 2) == (2, True), "the third is as it was"
    await counters.settle(key, returned=[f"{key}:none"] * 3)
    assert await counters.spend(key, [Limit(f"{key}:none", 1, 60)]) is None
    assert await counters.spend(key, [Limit(f"{key}:none", 1, 60)]) is not None, "no credit"


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


async def test_keys_of_one_attempt_live_together(redis: Redis, key: str) -> None:
    """A cluster takes a script for keys of one slot only, which the braces name."""
    await RedisCounters(redis).spend(key, [Limit(f"{key}:{n}", 9, 60) for n in range(4)])
    names = [name.decode() for name in await redis.command("KEYS", "porta:rate:{*")]
    tags = {name.partition("{")[2].partition("}")[0] for name in names}
    assert artifact_id(key)[:16] in tags


async def test_a_key_is_not_stored_as_it_is(counters: Counters, redis: Redis, pg: Postgres) -> None:
    assert await within(counters, "login:jane@example.com")
    stored = [name.decode() for name in await redis.command("KEYS", "*")]
    stored += [row[0] for row in await pg.fetch("SELECT key FROM rate_counters")]
    assert stored
    assert not [name for name in stored if "jane" in name]


async def test_a_redis_that_goes_away_opens_no_limit(
    own_redis: Valkey, pg: Postgres, key: str
) -> None:
    redis = await Redis.open(own_redis.url)
    counters = FallbackCounters(RedisBreaker(redis), PostgresCounters(pg))
    assert await within(counters, key, 1)
    own_redis.stop()
    assert [await within(counters, key, 1) for _ in range(2)] == [True, False]
    assert [await _spend(counters, key, 2) for _ in range(3)] == [None, None, (0, True)]
    await counters.settle(key, forgotten=[f"{key}:0"])
    assert await _spend(counters, key, 2) is None
    with pytest.raises(Unreachable):
        await within(RedisCounters(redis), key)
    await redis.close()
