"""Start-up in any order: PostgreSQL is waited for, Redis is taken up when it comes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from storage.errors import Refused, Unreachable
from storage.redis.breaker import RedisBreaker
from storage.redis.client import RedisClient
from storage.redis.lane import DEADLINE, Redis
from storage.redis.urls import Topology, parse_redis_url

_LOG = logging.getLogger(__name__)
_PAUSE = 0.5
"""Seconds between two questions whether PostgreSQL is there."""
_SAY_AGAIN = 10.0
"""Seconds between two lines that say so."""


async def open_redis(url: str, deadline: float) -> RedisBreaker:
    """Return a client of the Redis at `url`, which may be away: `redis.away` in the log says why.

    `deadline` is in seconds. Raises Refused where it answers that the URL is wrong, another
    StorageError where it cannot do what is needed, ValueError for a URL of another kind.
    """
    redis = RedisBreaker(await open_client(url, deadline, patient=True))
    try:
        with contextlib.suppress(Unreachable):
            await redis.try_write()
    except BaseException:
        await redis.close()
        raise
    return redis


async def open_client(
    url: str, deadline: float = DEADLINE, *, patient: bool = False
) -> RedisClient:
    """Return the client for what `url` names: a server, Sentinels or a cluster.

    `deadline` is in seconds. Raises as `Redis.open` does.
    """
    if parse_redis_url(url).topology is Topology.CLUSTER:
        from storage.redis.cluster import RedisCluster  # dear: not for one server

        return await RedisCluster.open(url, deadline=deadline, patient=patient)
    return await Redis.open(url, deadline=deadline, patient=patient)


async def wait_for(ask: Callable[[], Awaitable[object]], patience: float) -> None:
    """Ask PostgreSQL until it answers, for `patience` seconds; then Unreachable is raised.

    Refused at once: waiting cures nothing.
    """
    clock = asyncio.get_running_loop().time
    ends, say_again = clock() + patience, clock()
    while True:
        try:
            await ask()
        except Refused:
            raise
        except Unreachable as failure:
            if clock() + _PAUSE > ends:
                raise
            if clock() >= say_again:
                say_again = clock() + _SAY_AGAIN
                left = round(ends - clock())
                _LOG.warning("postgres.awaited", extra={"reason": str(failure), "seconds": left})
            await asyncio.sleep(_PAUSE)
        else:
            return
