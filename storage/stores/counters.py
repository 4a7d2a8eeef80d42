"""Rate counters: how often something was tried within its window, counted before it is judged.

A window is fixed and begins with the first attempt in it. Counting is one atomic step, so parallel
attempts cannot outrun it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar

import msgspec

from storage.errors import Unreachable
from storage.models.artifact import artifact_id
from storage.postgres.statement import Executor, Statement
from storage.redis.breaker import RedisBreaker
from storage.redis.client import Call, RedisClient, Script

_T = TypeVar("_T")


class Limit(msgspec.Struct, frozen=True):
    """So many attempts of `key` within a window of so many seconds."""

    key: str
    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Excess:
    """The limit that was used up, and the whole seconds until its window ends."""

    limit: Limit
    retry_after: int
    first: bool
    """Whether this is the first attempt that it refused in this window."""


class Counters(Protocol):
    """Keys name what is counted and where (`login:{organization}:{address}`); they are digested.

    `slot` is a word that all keys of one call have in common: they are kept together by it, on one
    server of many, so that one script can reach them.
    """

    async def spend(self, slot: str, limits: Sequence[Limit]) -> Excess | None:
        """Count one attempt under all limits, or return the first of them that is used up.

        Such an attempt takes nothing of the other limits and leaves no key behind. One round trip.
        """

    async def settle(
        self, slot: str, *, forgotten: Sequence[str] = (), returned: Sequence[str] = ()
    ) -> None:
        """Begin anew with the keys `forgotten`, and take one attempt of those `returned` back."""


_SPEND = Script("""
local counts = redis.call('MGET', unpack(KEYS))
for i, key in ipairs(KEYS) do
  if tonumber(counts[i] or 0) >= tonumber(ARGV[2 * i - 1]) then
    return {i, redis.call('INCR', key), redis.call('PTTL', key)}
  end
end
for i, key in ipairs(KEYS) do
  redis.call('INCR', key)
  if not counts[i] then redis.call('PEXPIRE', key, ARGV[2 * i]) end
end
return {}
""")
_SETTLE = Script("""
for i, key in ipairs(KEYS) do
  if i <= tonumber(ARGV[1]) then redis.call('DEL', key)
  elseif tonumber(redis.call('GET', key) or 0) > 0 then redis.call('DECR', key) end
end
""")


def spending(slot: str, limits: Sequence[Limit]) -> Call:
    """Return what counts one attempt in Redis; `exceeded` reads its reply."""
    bounds = [number for each in limits for number in (each.most, each.seconds * 1000)]
    return Call(_SPEND, _slotted(slot, [each.key for each in limits]), bounds)


def exceeded(limits: Sequence[Limit], reply: Sequence[int] | None) -> Excess | None:
    """Return which of `limits` is used up, by the reply to `spending`."""
    if not reply:
        return None
    place, count, left = reply
    return _excess(limits[place - 1], count, left / 1000)


class RedisCounters:
    """Counters in Redis."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def spend(self, slot: str, limits: Sequence[Limit]) -> Excess | None:
        reply = await self._redis.script(*spending(slot, limits)) if limits else None
        return exceeded(limits, reply)

    async def settle(
        self, slot: str, *, forgotten: Sequence[str] = (), returned: Sequence[str] = ()
    ) -> None:
        keys = _slotted(slot, [*forgotten, *returned])
        if keys:  # By these a cluster knows where to run it.
            await self._redis.script(_SETTLE, keys, [len(forgotten)])


_SPEND_ROWS = Statement(
    "spend_attempt",
    """
SELECT place, attempts, seconds FROM spend_attempt(
    %(slot)s, %(keys)s::text[], %(most)s::bigint[], %(windows)s::float8[])
""",
)
# The slot is waited for as in `spend_attempt`: rows locked in two orders would wait for each other.
_SETTLE_ROWS = """
WITH turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtextextended(%(slot)s, 26))
), gone AS (
    DELETE FROM rate_counters WHERE key = ANY(%(forgotten)s::text[]) AND EXISTS (SELECT FROM turn)
)
UPDATE rate_counters SET count = count - 1
WHERE key = ANY(%(returned)s::text[]) AND count > 0 AND EXISTS (SELECT FROM turn)
"""


class PostgresCounters:
    """Counters in PostgreSQL, where there is no Redis. Never on a transaction: they must stay; but
    for what only counts where the transaction holds.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def spend(self, slot: str, limits: Sequence[Limit]) -> Excess | None:
        row = await self._executor.fetchrow(
            _SPEND_ROWS,
            {
                "slot": artifact_id(slot),
                "keys": [artifact_id(each.key) for each in limits],
                "most": [each.most for each in limits],
                "windows": [float(each.seconds) for each in limits],
            },
        )
        return _excess(limits[row[0] - 1], row[1], row[2]) if row else None

    async def settle(
        self, slot: str, *, forgotten: Sequence[str] = (), returned: Sequence[str] = ()
    ) -> None:
        await self._executor.execute(
            _SETTLE_ROWS,
            {
                "slot": artifact_id(slot),
                "forgotten": [artifact_id(key) for key in forgotten],
                "returned": [artifact_id(key) for key in returned],
            },
        )


class FallbackCounters:
    """Counters in Redis, and in PostgreSQL while Redis is away: a limit never opens.

    Each store counts what it is told: a limit is met twice at most where Redis goes, or comes.
    """

    def __init__(self, redis: RedisBreaker, second: PostgresCounters) -> None:
        self._redis = redis
        self._first = RedisCounters(redis)
        self._second = second

    async def spend(self, slot: str, limits: Sequence[Limit]) -> Excess | None:
        return await self._do(lambda counters: counters.spend(slot, limits))

    async def settle(
        self, slot: str, *, forgotten: Sequence[str] = (), returned: Sequence[str] = ()
    ) -> None:
        """Settles where it is counted now; what the other store counted ends with its window."""
        await self._do(
            lambda counters: counters.settle(slot, forgotten=forgotten, returned=returned)
        )

    async def _do(self, work: Callable[[Counters], Awaitable[_T]]) -> _T:
        if self._redis.takes_writes:
            with contextlib.suppress(Unreachable):
                return await work(self._first)
        return await work(self._second)


def _slotted(slot: str, keys: Iterable[str]) -> list[str]:
    prefix = _prefix(slot)
    return [prefix + artifact_id(key) for key in keys]


@lru_cache(maxsize=256)
def _prefix(slot: str) -> str:
    # Of a key with braces, a cluster hashes what stands in them.
    return f"porta:rate:{{{artifact_id(slot)[:16]}}}:"


def _excess(limit: Limit, count: int, left: float) -> Excess:
    return Excess(limit, _seconds(left), first=count == limit.most + 1)


def _seconds(left: float) -> int:
    return max(0, math.ceil(left))
