"""A process of its own that makes 40 attempts at once, when told to.

Arguments: what counts (redis, postgres or account), and the key, or the organization and the
address of the account. On its standard input: both URLs, then a line to begin. Prints how many
attempts were within the limit of MOST.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from storage.counters import Counters, Limit, PostgresCounters, RedisCounters
from storage.postgres import Postgres
from storage.redis import Redis
from storage.repositories.users import Users

MOST, CALLERS = 25, 40


async def main(name: str, *arguments: str) -> None:
    database_url, redis_url = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    pg, redis = await Postgres.open(database_url), await Redis.open(redis_url)
    if name == "account":
        attempt = _at_account(Users(pg), *arguments)
    else:
        counters = RedisCounters(redis) if name == "redis" else PostgresCounters(pg)
        attempt = _under_limits(counters, *arguments)
    print("ready", flush=True)
    sys.stdin.readline()
    print(sum(await asyncio.gather(*(attempt() for _ in range(CALLERS)))), flush=True)
    await pg.close()
    await redis.close()


def _under_limits(counters: Counters, key: str) -> Callable[[], Awaitable[bool]]:
    limits = [Limit(f"{key}:wide", 1000, 600), Limit(key, MOST, 600), Limit(f"{key}:n", 1000, 600)]

    async def attempt() -> bool:
        return await counters.spend(key, limits) is None

    return attempt


def _at_account(users: Users, organization_id: str, email: str) -> Callable[[], Awaitable[bool]]:
    async def attempt() -> bool:
        counted = await users.count_attempt(
            organization_id, email, max_failed=MOST, now=1e9, lock_seconds=900
        )
        return counted is not None and not counted.shut_out

    return attempt


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
