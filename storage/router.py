"""Storage: the artifacts, routed; the repositories, carried; transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from storage.models.artifacts import ARTIFACTS, Home, Session, Store
from storage.models.assets import BucketAccess
from storage.opening import open_redis, wait_for
from storage.postgres import isolation
from storage.postgres.driver import Postgres
from storage.postgres.statement import Executor
from storage.redis.breaker import RedisBreaker, Trouble
from storage.redis.lane import DEADLINE
from storage.repositories.administrators import Administrators
from storage.repositories.api_resources import ApiResources
from storage.repositories.applications import Applications
from storage.repositories.audit import Audit
from storage.repositories.audit_chain import AuditChain
from storage.repositories.auth_tokens import AuthTokens
from storage.repositories.claims import Claims
from storage.repositories.clients import Clients
from storage.repositories.connections import Connections
from storage.repositories.consents import Consents
from storage.repositories.delegations import Delegations
from storage.repositories.events import Events
from storage.repositories.expired import Expired
from storage.repositories.explanations import Explanations
from storage.repositories.former_assets import FormerAssets
from storage.repositories.idempotent_answers import IdempotentAnswers
from storage.repositories.identities import Identities
from storage.repositories.invitations import Invitations
from storage.repositories.job_results import JobResults
from storage.repositories.jobs import Jobs
from storage.repositories.legacy_tokens import LegacyTokens
from storage.repositories.organizations import Organizations
from storage.repositories.passkeys import Passkeys
from storage.repositories.personal_data import PersonalData
from storage.repositories.pushed_requests import PushedRequests
from storage.repositories.refresh_families import RefreshFamilies
from storage.repositories.roles import Roles
from storage.repositories.second_factors import SecondFactorsOfPeople
from storage.repositories.session_lists import SessionLists
from storage.repositories.sessions import Sessions
from storage.repositories.signing_keys import SigningKeys
from storage.repositories.statistics import Statistics
from storage.repositories.system_config import SystemConfig
from storage.repositories.tokens import Tokens
from storage.repositories.totp_secrets import TotpSecrets
from storage.repositories.trial import Trial
from storage.repositories.user_roles import UserRoles
from storage.repositories.users import Users
from storage.stores import ArtifactStore
from storage.stores.artifacts import Artifacts
from storage.stores.assets import AssetStore, BesideTransaction, PostgresAssets, open_assets
from storage.stores.counted import Counted
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


@dataclass(slots=True)
class _Connections:
    """What a Storage and its transactions share."""

    postgres: Postgres
    redis: RedisBreaker | None
    cache: RedisOverPostgresStore | None
    assets: AssetStore | None
    """Where assets are kept; None for PostgreSQL."""
    stamp: Stamp | None = None
    on_change: list[Change] = field(default_factory=list)
    recorded: asyncio.Event = field(default_factory=asyncio.Event)


class Storage:
    """Everything Porta remembers. `transaction()` yields the same on one connection."""

    def __init__(
        self, connections: _Connections, executor: Executor, later: list[Later] | None = None
    ) -> None:
        self._connections = connections
        self._executor = executor
        self._everywhere: Storage | None = None
        self._later = later
        """In a transaction: what is to be done once it is committed."""
        self.artifacts = _artifacts(connections, executor, later)
        self.counters = _counters(connections)
        self.traces = Traces(connections.redis)
        self.counted = Counted(connections.redis, self.artifacts, self.counters)
        self.assets: AssetStore = PostgresAssets(executor)
        if connections.assets is not None:
            self.assets = BesideTransaction(connections.assets, self._after_commit)
        self.organizations = Organizations(executor)
        self.former_assets = FormerAssets(executor)
        self.applications = Applications(executor)
        self.clients = Clients(executor)
        self.api_resources = ApiResources(executor)
        self.connections = Connections(executor)
        self.identities = Identities(executor)
        self.users = Users(executor)
        self.second_factors = SecondFactorsOfPeople(executor)
        self.passkeys = Passkeys(executor)
        self.totp_secrets = TotpSecrets(executor)
        self.roles = Roles(executor)
        self.user_roles = UserRoles(executor)
        self.claims = Claims(executor)
        self.administrators = Administrators(executor)
        self.delegations = Delegations(executor)
        self.idempotent_answers = IdempotentAnswers(executor)
        self.signing_keys = SigningKeys(executor)
        self.system_config = SystemConfig(executor)
        self.statistics = Statistics(executor)
        self.events = Events(executor, self._note_event)
        self.audit = Audit(executor)
        self.audit_chain = AuditChain(executor)
        self.tokens = Tokens(executor)
        self.consents = Consents(executor)
        self.legacy_tokens = LegacyTokens(executor)
        self.sessions = Sessions(executor)
        self.session_lists = SessionLists(executor)
        self.refresh_families = RefreshFamilies(executor)
        self.personal_data = PersonalData(executor)
        self.pushed_requests = PushedRequests(executor)
        self.expired = Expired(executor)
        self.jobs = Jobs(executor)
        self.job_results = JobResults(executor)
        self.explanations = Explanations(executor)
        self.auth_tokens = AuthTokens(executor)
        self.invitations = Invitations(executor)
        self.trial = Trial(executor)

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
        assets = await open_assets(assets_url, bucket)
        async with AsyncExitStack() as opened:
            postgres = await Postgres.open(database_url, pool_size, isolated=True)
            opened.push_async_callback(postgres.close)
            redis = await open_redis(redis_url, redis_deadline) if redis_url else None
            if redis is not None:
                opened.push_async_callback(redis.close)
            await wait_for(lambda: postgres.fetch("SELECT 1"), patience)
            opened.pop_all()
        cache = RedisOverPostgresStore(redis, PostgresStore(postgres)) if redis else None
        return cls(_Connections(postgres, redis, cache, assets, stamp), postgres)

    @property
    def everywhere(self) -> Storage:
        """The same for work across organizations; else only rows of an organization that is named
        are seen (row-level security). tests/test_architecture.py lists who may ask.
        """
        executor = self._executor.everywhere
        if executor is self._executor:
            return self
        if self._everywhere is None:
            self._everywhere = Storage(self._connections, executor, self._later)
        return self._everywhere

    async def is_isolated(self) -> bool:
        """Whether PostgreSQL hides the rows of organizations that are not named."""
        return await isolation.is_active(self._connections.postgres)

    async def close(self) -> None:
        """Close every connection."""
        if self._connections.redis is not None:
            await self._connections.redis.close()
        await self._connections.postgres.close()

    @property
    def round_trips(self) -> RoundTrips:
        redis = self._connections.redis
        return RoundTrips(self._connections.postgres.round_trips, redis.round_trips if redis else 0)

    @property
    def answers(self) -> int:
        """How often PostgreSQL answered since the start: while it stays the same, it is silent."""
        return self._connections.postgres.answers

    async def ping_postgres(self) -> None:
        """Ask PostgreSQL for a sign of life; raises Unreachable."""
        await self._connections.postgres.fetch("SELECT 1")

    async def now(self) -> float:
        """Return the time by PostgreSQL's clock, in seconds since the epoch; raises Unreachable."""
        (row,) = await self._connections.postgres.fetch(
            "SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8"
        )
        return float(row[0])

    @property
    def has_redis(self) -> bool:
        return self._connections.redis is not None

    async def try_redis(self) -> None:
        """Try a write of Redis, where there is one; raises StorageError."""
        if self._connections.redis is not None:
            await self._connections.redis.try_write()

    @property
    def redis_trouble(self) -> Trouble | None:
        """Why Redis takes no writes, and since when; None while it does, or there is none."""
        return self._connections.redis.trouble if self._connections.redis is not None else None

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
        async with self._connections.postgres.transaction() as connection:
            executor = connection.everywhere if sees_all else connection
            yield Storage(self._connections, executor, later)
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
        if self._connections.cache is not None:
            evict = self._connections.cache.evict
            for id in sessions:
                await self._after_commit(partial(evict, ARTIFACTS[Session], id))

    async def replace_session(self, old: Session, new: Session, ttl: float) -> None:
        """Put `new` in the place of `old`, of the same uid, for `ttl` seconds.

        `old` is held (`sessions.hold`) by the transaction this is part of.
        """
        await self.sessions.replace(old, new, ttl)
        if self._connections.cache is not None:
            succeed = self._connections.cache.succeed
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
        callbacks = self._connections.on_change
        if not self._connections.postgres.has_listener:
            self._connections.postgres.listen(partial(_tell, callbacks))
        callbacks.append(callback)
        return partial(callbacks.remove, callback)

    @property
    def stamp(self) -> Stamp | None:
        """What proves that an audit entry is ours; None without the installation's key."""
        return self._connections.stamp

    @property
    def recorded(self) -> asyncio.Event:
        """Set once an audit entry is committed here; whoever has seen to it clears it."""
        return self._connections.recorded

    async def _note_event(self) -> None:
        # Not before the commit: who looks at once would find nothing, and not look again.
        await self._after_commit(self._tell_recorded)

    async def _tell_recorded(self) -> None:
        self._connections.recorded.set()

    @property
    def listening(self) -> bool:
        """Whether changes are proven to be heard."""
        return self._connections.postgres.listening


def _tell(callbacks: list[Change], table: str, key: str) -> None:
    for callback in tuple(callbacks):
        callback(table, key)


def _artifacts(
    connections: _Connections, executor: Executor, later: list[Later] | None
) -> Artifacts:
    remembered, redis = PostgresStore(executor), connections.redis
    if redis is None or connections.cache is None:
        return Artifacts(
            dict.fromkeys(Store, remembered), dict.fromkeys(Home, remembered), lambda: False
        )
    sessions: ArtifactStore = connections.cache
    if later is not None:
        sessions = InTransaction(remembered, connections.cache, later.append)
    return Artifacts(
        {Store.POSTGRES: remembered, Store.REDIS_OVER_POSTGRES: sessions},
        {Home.REDIS: RedisStore(redis), Home.POSTGRES: remembered},
        lambda: redis.takes_writes,
    )


def _counters(connections: _Connections) -> Counters:
    """On the pool, in a transaction too: an attempt stays counted when the rest is rolled back."""
    remembered = PostgresCounters(connections.postgres)
    if connections.redis is None:
        return remembered
    return FallbackCounters(connections.redis, remembered)
