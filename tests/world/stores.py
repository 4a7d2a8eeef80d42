"""Every artifact store on real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from storage.models.artifact import Artifact
from storage.opening import open_client
from storage.postgres.driver import Postgres
from storage.redis.breaker import RedisBreaker
from storage.stores import ArtifactStore
from storage.stores.memory import MemoryStore
from storage.stores.postgres import PostgresStore
from storage.stores.redis import RedisStore
from storage.stores.redis_over_postgres import RedisOverPostgresStore

IN_REDIS = ("redis", "redis over postgres")
SHARED = (*IN_REDIS, "postgres")
"""The stores that several processes can share."""
STORES = ("memory", *SHARED)


@asynccontextmanager
async def open_store(name: str, database_url: str, redis_url: str) -> AsyncIterator[ArtifactStore]:
    """Open the store that STORES calls `name`."""
    if name == "memory":
        yield MemoryStore()
        return
    postgres = await Postgres.open(database_url, isolated=True)
    redis = await open_client(redis_url)
    remembered, breaker = PostgresStore(postgres), RedisBreaker(redis)
    stores: dict[str, ArtifactStore] = {
        "redis": RedisStore(breaker),
        "postgres": remembered,
        "redis over postgres": RedisOverPostgresStore(breaker, remembered),
    }
    yield stores[name]
    await redis.close()
    await postgres.close()


def key(artifact: Artifact) -> str:
    """The key of an artifact in Redis."""
    return f"porta:{type(artifact).__name__}:{artifact.id}"
