"""Rate counters: how often something was tried within its window, counted before it is judged.

A window is fixed and begins with the first attempt in it. Counting is one atomic step, so parallel
attempts cannot outrun it; judging is the caller's: `count > limit` means refused.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from storage.errors import Unreachable
from storage.models.artifacts import artifact_id
from storage.redis_breaker import RedisBreaker
from storage.redis_client import RedisClient, Script
from storage.statement import Executor, Row, Statement

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Count:
    """How many attempts the window holds, and the whole seconds until it ends."""

    count: int
    retry_after: int


class Counters(Protocol):
    """Keys name what is counted and where (`login:{organization}:{address}`); they are digested."""

    async def hit(self, windows: Mapping[str, float]) -> dict[str, Count]:
        """Count one attempt for each key (its window in seconds): one round trip for all."""

    async def forget(self, keys: Sequence[str]) -> None:
        """Begin anew: the attempts of these keys turned out to be good ones."""

    async def give_back(self, keys: Sequence[str]) -> None:
        """Take one attempt of each key back: it turned out to be a good one."""


_HIT = Script("""
local counts = {}
for i, key in ipairs(KEYS) do
  local count = redis.call('INCR', key)
  local left = redis.call('PTTL', key)
  if left < 0 then
    left = tonumber(ARGV[i])
    redis.call('PEXPIRE', key, left)
  end
  counts[i] = {count, left}
end
return counts
""")
_GIVE_BACK = Script("""
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or 0) > 0 then redis.call('DECR', key) end
end
""")


class RedisCounters:
    """Counters in Redis."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def hit(self, windows: Mapping[str, float]) -> dict[str, Count]:
        lives = [max(1, int(seconds * 1000)) for seconds in windows.values()]
        replies = await self._redis.script(_HIT, _redis_keys(windows), lives)
        return _counts(windows, replies)

    async def forget(self, keys: Sequence[str]) -> None:
        if keys:
            await self._redis.command("DEL", *_redis_keys(keys))

    async def give_back(self, keys: Sequence[str]) -> None:
        await self._redis.script(_GIVE_BACK, _redis_keys(keys))


# Rows are locked in the order of their keys: two callers with the same keys cannot deadlock.
_HIT_ROWS = Statement(
    "hit_rate_counters",
    """
INSERT INTO rate_counters AS old (key, window_ends_at, count)
SELECT key, now() + make_interval(secs => seconds), 1
FROM unnest(%(keys)s::text[], %(windows)s::float8[]) AS hits (key, seconds) ORDER BY key
ON CONFLICT (key) DO UPDATE SET
  count = CASE WHEN old.window_ends_at <= now() THEN 1 ELSE old.count + 1 END,
  window_ends_at = CASE WHEN old.window_ends_at <= now()
    THEN excluded.window_ends_at ELSE old.window_ends_at END
RETURNING key, count, EXTRACT(EPOCH FROM window_ends_at - now())::float8
""",
)
_GIVE_BACK_ROWS = """
UPDATE rate_counters SET count = count - 1 WHERE key = ANY(%(keys)s::text[]) AND count > 0
"""
_FORGET_ROWS = "DELETE FROM rate_counters WHERE key = ANY(%(keys)s::text[])"


class PostgresCounters:
    """Counters in PostgreSQL, where there is no Redis. Never on a transaction: they must stay."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def hit(self, windows: Mapping[str, float]) -> dict[str, Count]:
        rows = await self._executor.fetch(
            _HIT_ROWS,
            {"keys": [artifact_id(key) for key in windows], "windows": list(windows.values())},
        )
        return _counts_of_rows(windows, rows)

    async def forget(self, keys: Sequence[str]) -> None:
        digests = [artifact_id(key) for key in keys]
        await self._executor.execute(_FORGET_ROWS, {"keys": digests})

    async def give_back(self, keys: Sequence[str]) -> None:
        digests = [artifact_id(key) for key in keys]
        await self._executor.execute(_GIVE_BACK_ROWS, {"keys": digests})


class FallbackCounters:
    """Counters in Redis, and in PostgreSQL while Redis is away: a limit never opens.

    Each store counts what it is told: a limit is met twice at most where Redis goes, or comes.
    """

    def __init__(self, redis: RedisBreaker, second: PostgresCounters) -> None:
        self._redis = redis
        self._first = RedisCounters(redis)
        self._second = second

    async def hit(self, windows: Mapping[str, float]) -> dict[str, Count]:
        return await self._do(lambda counters: counters.hit(windows))

    async def forget(self, keys: Sequence[str]) -> None:
        """Forgets where it is counted now; what the other store counted ends with its window."""
        await self._do(lambda counters: counters.forget(keys))

    async def give_back(self, keys: Sequence[str]) -> None:
        await self._do(lambda counters: counters.give_back(keys))

    async def _do(self, work: Callable[[Counters], Awaitable[_T]]) -> _T:
        if self._redis.takes_writes:
            with contextlib.suppress(Unreachable):
                return await work(self._first)
        return await work(self._second)


def _redis_keys(keys: Iterable[str]) -> list[str]:
    return [f"porta:rate:{artifact_id(key)}" for key in keys]


def _counts(keys: Iterable[str], replies: Sequence[Sequence[int]]) -> dict[str, Count]:
    pairs = zip(keys, replies, strict=True)
    return {key: Count(count, _seconds(left / 1000)) for key, (count, left) in pairs}


def _counts_of_rows(keys: Iterable[str], rows: Sequence[Row]) -> dict[str, Count]:
    found = {digest: Count(count, _seconds(left)) for digest, count, left in rows}
    return {key: found[artifact_id(key)] for key in keys}


def _seconds(left: float) -> int:
    return max(0, math.ceil(left))
