"""A process of its own that makes CALLERS attempts at once, when told to; under limits in ROUNDS.

Arguments: what counts (redis, postgres or account), and the key, or the organization and the
address of the account. On its standard input: both URLs, then a line to begin. Prints how many
attempts were within the limit of MOST (in each round).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from storage.postgres.driver import Postgres
from storage.redis.lane import Redis
from storage.repositories.login_attempts import LoginAttempts
from storage.stores.counters import Counters, Limit, PostgresCounters, RedisCounters

MOST, CALLERS, ROUNDS = 25, 40, 20


async def main(name: str, *arguments: str) -> None:
    database_url, redis_url = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    pg, redis = await Postgres.open(database_url), await Redis.open(redis_url)
    rounds = 1
    if name == "account":
        attempt = _at_account(LoginAttempts(pg), *arguments)
    else:
        counters = RedisCounters(redis) if name == "redis" else PostgresCounters(pg)
        attempt = _under_limits(counters, *arguments)
        rounds = ROUNDS
    print("ready", flush=True)
    sys.stdin.readline()
    judged = 0
    for number in range(rounds):
        judged += sum(await asyncio.gather(*(attempt(number) for _ in range(CALLERS))))
    print(judged, flush=True)
    await pg.close()
    await redis.close()


def _under_limits(counters: Counters, key: str) -> Callable[[int], Awaitable[bool]]:
    wide, narrow = Limit(f"{key}:wide", 10_000, 600), Limit(f"{key}:n", 10_000, 600)

    async def attempt(number: int) -> bool:
        own = Limit(f"{key}:{number}", MOST, 600)
        return await counters.spend(key, [wide, own, narrow]) is None

    return attempt


def _at_account(
    attempts: LoginAttempts, organization_id: str, email: str
) -> Callable[[int], Awaitable[bool]]:
    async def attempt(_: int) -> bool:
        counted = await attempts.count(
            organization_id, email, max_failed=MOST, now=1e9, lock_seconds=900
        )
        return counted is not None and not counted.locked_out

    return attempt


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
