"""What is kept only while a limit of attempts has room: counted before, in one round trip."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from storage.errors import Unreachable
from storage.models.artifact import Home, Routed, artifact_id, new_value
from storage.models.artifacts import ARTIFACTS
from storage.redis.breaker import RedisBreaker
from storage.stores.artifacts import Artifacts
from storage.stores.counters import Counters, Excess, Limit, exceeded, spending
from storage.stores.redis import RedisStore


class Counted:
    """Artifacts that are counted before they are kept."""

    def __init__(
        self, redis: RedisBreaker | None, artifacts: Artifacts, counters: Counters
    ) -> None:
        self._redis = redis
        self._artifacts = artifacts
        self._counters = counters

    async def create(
        self, slot: str, limits: Sequence[Limit], make: Callable[..., Routed], ttl: float
    ) -> str | Excess:
        """Count one attempt (`Counters.spend`), then keep what `make` builds (`Artifacts.create`).

        Returns its new value, or the limit that is used up: then nothing is kept. One round trip
        to a server of Redis. While Redis takes no writes, both are done in PostgreSQL, in two.
        """
        if self._redis is not None and self._redis.takes_writes:
            with contextlib.suppress(Unreachable):
                return await _create(self._redis, slot, limits, make, ttl)
        excess = await self._counters.spend(slot, limits)
        return excess or await self._artifacts.create(make, ttl)


async def _create(
    redis: RedisBreaker,
    slot: str,
    limits: Sequence[Limit],
    make: Callable[..., Routed],
    ttl: float,
) -> str | Excess:
    value = new_value(Home.REDIS)
    artifact = make(id=artifact_id(value), home=Home.REDIS)
    kind, guard = ARTIFACTS[type(artifact)], spending(slot, limits)
    reply = await RedisStore(redis).create_guarded(guard, kind, artifact, ttl)
    return exceeded(limits, reply) or value
