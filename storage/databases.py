"""Databases: both of them as one process holds them, and what is routed to the one or the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cached_property

from storage.models.artifact import Home
from storage.models.artifacts import Store
from storage.models.assets import BucketAccess
from storage.opening import open_redis, wait_for
from storage.postgres.driver import Postgres
from storage.postgres.statement import Executor
from storage.redis.breaker import RedisBreaker
from storage.stores import ArtifactStore
from storage.stores.artifacts import Artifacts
from storage.stores.assets import AssetStore, open_assets
from storage.stores.counters import Counters, FallbackCounters, PostgresCounters
from storage.stores.postgres import PostgresStore
from storage.stores.redis import RedisStore
from storage.stores.redis_over_postgres import InTransaction, RedisOverPostgresStore
from storage.stores.traces import Traces

Change = Callable[[str, str], None]
Later = Callable[[], Awaitable[None]]
Stamp = Callable[[bytes], str]
"""Makes the authentication code (hex) of what it is given."""


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """Messages sent to each database since the start; a pipeline is one."""

    postgres: int
    redis: int


@dataclass
class Databases:
    """What a Storage and its transactions share."""

    postgres: Postgres
    redis: RedisBreaker | None
    assets: AssetStore | None
    """Where assets are kept; None for PostgreSQL."""
    stamp: Stamp | None = None
    on_change: list[Change] = field(default_factory=list)
    recorded: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def open(
        cls,
        database_url: str,
        redis_url: str | None,
        *,
        pool_size: int,
        patience: float,
        redis_deadline: float,
        assets_url: str | None,
        bucket: BucketAccess | None,
        stamp: Stamp | None,
    ) -> Databases:
        """Open them, as `Storage.open` says."""
        assets = await open_assets(assets_url, bucket)
        async with AsyncExitStack() as opened:
            postgres = await Postgres.open(database_url, pool_size, isolated=True)
            opened.push_async_callback(postgres.close)
            redis = await open_redis(redis_url, redis_deadline) if redis_url else None
            if redis is not None:
                opened.push_async_callback(redis.close)
            await wait_for(lambda: postgres.fetch("SELECT 1"), patience)
            opened.pop_all()
        return cls(postgres, redis, assets, stamp)

    async def close(self) -> None:
        """Close every connection."""
        if self.redis is not None:
            await self.redis.close()
        await self.postgres.close()

    @property
    def round_trips(self) -> RoundTrips:
        return RoundTrips(self.postgres.round_trips, self.redis.round_trips if self.redis else 0)

    @cached_property
    def cache(self) -> RedisOverPostgresStore | None:
        """The copies of sessions, where there is a Redis."""
        return (
            RedisOverPostgresStore(self.redis, PostgresStore(self.postgres)) if self.redis else None
        )

    @cached_property
    def traces(self) -> Traces:
        return Traces(self.redis)

    @cached_property
    def counters(self) -> Counters:
        """On the pool, in a transaction too: an attempt stays counted when the rest is undone."""
        remembered = PostgresCounters(self.postgres)
        return FallbackCounters(self.redis, remembered) if self.redis else remembered

    def artifacts(self, executor: Executor, later: list[Later] | None) -> Artifacts:
        """Return the artifacts, routed; in a transaction, their copies follow `later`."""
        remembered, redis = PostgresStore(executor), self.redis
        if redis is None or self.cache is None:
            return Artifacts(
                dict.fromkeys(Store, remembered), dict.fromkeys(Home, remembered), lambda: False
            )
        sessions: ArtifactStore = self.cache
        if later is not None:
            sessions = InTransaction(remembered, self.cache, later.append)
        return Artifacts(
            {Store.POSTGRES: remembered, Store.REDIS_OVER_POSTGRES: sessions},
            {Home.REDIS: RedisStore(redis), Home.POSTGRES: remembered},
            lambda: redis.takes_writes,
        )
