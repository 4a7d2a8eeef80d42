"""Storage: the artifacts, routed; the repositories, carried; transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import cached_property, partial

from storage.databases import Change, Databases, Later, RoundTrips, Stamp
from storage.models.artifacts import ARTIFACTS, Session
from storage.models.assets import BucketAccess
from storage.postgres import isolation
from storage.postgres.statement import Executor
from storage.redis.breaker import Trouble
from storage.redis.lane import DEADLINE
from storage.repositories.events import Events
from storage.repositories.table import Repositories
from storage.stores.artifacts import Artifacts
from storage.stores.assets import AssetStore, BesideTransaction, PostgresAssets
from storage.stores.counted import Counted
from storage.stores.counters import Counters
from storage.stores.traces import Traces


class Storage(Repositories):
    """Everything Porta remembers. `transaction()` yields the same on one connection."""

    def __init__(
        self, databases: Databases, executor: Executor, later: list[Later] | None = None
    ) -> None:
        super().__init__(executor)
        self._databases = databases
        self._everywhere: Storage | None = None
        self._later = later
        """In a transaction: what is to be done once it is committed."""

    @cached_property
    def artifacts(self) -> Artifacts:
        return self._databases.artifacts(self._executor, self._later)

    @cached_property
    def assets(self) -> AssetStore:
        kept = self._databases.assets
        if kept is None:
            return PostgresAssets(self._executor)
        return BesideTransaction(kept, self._after_commit)

    @cached_property
    def events(self) -> Events:
        return Events(self._executor, self._note_event)

    @property
    def counters(self) -> Counters:
        return self._databases.counters

    @property
    def counted(self) -> Counted:
        return Counted(self._databases.redis, self.artifacts, self.counters)

    @property
    def traces(self) -> Traces:
        return self._databases.traces

    @classmethod
    async def open(
        cls,
        database_url: str,
        redis_url: str | None = None,
        *,
        pool_size: int = 10,
        patience: float = 0,
        redis_deadline: float = DEADLINE,
        assets_url: str | None = None,
        bucket: BucketAccess | None = None,
        stamp: Stamp | None = None,
    ) -> Storage:
        """Open both databases, or PostgreSQL alone when there is no `redis_url`.

        PostgreSQL is waited for, `patience` seconds long; Redis is not, and is taken up when it
        comes. `redis_deadline` is in seconds; `stamp` proves audit entries ours. Assets are kept in
        PostgreSQL, or where `assets_url` says, a bucket being reached as `bucket` says
        (`stores/assets.py`). Raises Unreachable when PostgreSQL, or a bucket that is required, does
        not answer, Refused when Redis answers that its URL is wrong, another StorageError when it
        cannot do what is needed, ValueError for a URL of another kind.
        """
        databases = await Databases.open(
            database_url,
            redis_url,
            pool_size=pool_size,
            patience=patience,
            redis_deadline=redis_deadline,
            assets_url=assets_url,
            bucket=bucket,
            stamp=stamp,
        )
        return cls(databases, databases.postgres)

    @property
    def everywhere(self) -> Storage:
        """The same for work across organizations; else only rows of an organization that is named
        are seen (row-level security). tests/test_architecture.py lists who may ask.
        """
        executor = self._executor.everywhere
        if executor is self._executor:
            return self
        if self._everywhere is None:
            self._everywhere = Storage(self._databases, executor, self._later)
        return self._everywhere

    async def is_isolated(self) -> bool:
        """Whether PostgreSQL hides the rows of organizations that are not named."""
        return await isolation.is_active(self._databases.postgres)

    async def close(self) -> None:
        """Close every connection."""
        await self._databases.close()

    @property
    def round_trips(self) -> RoundTrips:
        return self._databases.round_trips

    @property
    def answers(self) -> int:
        """How often PostgreSQL answered since the start: while it stays the same, it is silent."""
        return self._databases.postgres.answers

    async def now(self) -> float:
        """Return the time by PostgreSQL's clock, in seconds since the epoch; raises Unreachable."""
        (row,) = await self._databases.postgres.fetch(
            "SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8"
        )
        return float(row[0])

    @property
    def has_redis(self) -> bool:
        return self._databases.redis is not None

    async def try_redis(self) -> None:
        """Try a write of Redis, where there is one; raises StorageError."""
        if self._databases.redis is not None:
            await self._databases.redis.try_write()

    @property
    def redis_trouble(self) -> Trouble | None:
        """Why Redis takes no writes, and since when; None while it does, or there is none."""
        return self._databases.redis.trouble if self._databases.redis is not None else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Storage]:
        """Yield a Storage whose PostgreSQL part is committed as one, or not at all.

        Inside a transaction it joins that one. What lives in Redis only takes no part: it is
        saved and consumed at once. Copies of sessions follow the commit.
        """
        if self._later is not None:
            yield self
            return
        later: list[Later] = []
        sees_all = self._executor.everywhere is self._executor
        async with self._databases.postgres.transaction() as connection:
            executor = connection.everywhere if sees_all else connection
            yield Storage(self._databases, executor, later)
        for work in later:
            await work()

    async def end_session(self, session: Session) -> None:
        """End a session and all that hangs on it: token families and grants.

        PostgreSQL first, in one statement. A Redis that is away keeps its copy for a minute at
        most.
        """
        await self._bury(await self.tokens.end_session(session))

    async def end_account(self, account_id: str, organization_id: str, reason: str) -> None:
        """End every session of an account and all that hangs on them, tokens included."""
        await self._bury(await self.tokens.end_account(account_id, organization_id, reason))

    async def end_other_sessions(
        self, account_id: str, organization_id: str, kept: str, reason: str
    ) -> None:
        """End what `end_account` ends, but the session of the uid `kept` and what hangs on it."""
        await self._bury(await self.tokens.end_others(account_id, organization_id, kept, reason))

    async def _bury(self, sessions: Iterable[str]) -> None:
        if self._databases.cache is not None:
            evict = self._databases.cache.evict
            for id in sessions:
                await self._after_commit(partial(evict, ARTIFACTS[Session], id))

    async def replace_session(self, old: Session, new: Session, ttl: float) -> None:
        """Put `new` in the place of `old`, of the same uid, for `ttl` seconds.

        `old` is held (`sessions.hold`) by the transaction this is part of.
        """
        await self.sessions.replace(old, new, ttl)
        if self._databases.cache is not None:
            succeed = self._databases.cache.succeed
            await self._after_commit(partial(succeed, ARTIFACTS[Session], old.id, new, ttl))

    async def _after_commit(self, work: Later) -> None:
        if self._later is None:
            await work()
        else:
            self._later.append(work)

    def on_change(self, callback: Change) -> Callable[[], None]:
        """Call back with (table, key) when configuration changed, on any instance; with
        ("jobs", id) when a job did, and no id for one that is new.

        With ("*", "") when changes may have been missed: drop everything. Returns what ends it.
        """
        callbacks = self._databases.on_change
        if not self._databases.postgres.has_listener:
            self._databases.postgres.listen(partial(_tell, callbacks))
        callbacks.append(callback)
        return partial(callbacks.remove, callback)

    @property
    def stamp(self) -> Stamp | None:
        """What proves that an audit entry is ours; None without the installation's key."""
        return self._databases.stamp

    @property
    def recorded(self) -> asyncio.Event:
        """Set once an audit entry is committed here; whoever has seen to it clears it."""
        return self._databases.recorded

    async def _note_event(self) -> None:
        # Not before the commit: who looks at once would find nothing, and not look again.
        await self._after_commit(self._tell_recorded)

    async def _tell_recorded(self) -> None:
        self._databases.recorded.set()

    @property
    def listening(self) -> bool:
        """Whether changes are proven to be heard."""
        return self._databases.postgres.listening


def _tell(callbacks: list[Change], table: str, key: str) -> None:
    for callback in tuple(callbacks):
        callback(table, key)
