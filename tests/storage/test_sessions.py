"""Sessions: PostgreSQL remembers them, Redis answers for them, and their end is final."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from storage.errors import AlreadyConsumed, Unreachable
from storage.models.artifact import Artifact
from storage.models.artifacts import (
    ANY_ORGANIZATION,
    ARTIFACTS,
    AccessToken,
    ArtifactKind,
    AuthorizationCode,
    Grant,
    Session,
)
from storage.models.interactions import Interaction
from storage.opening import open_client
from storage.postgres.driver import Postgres
from storage.redis.breaker import RedisBreaker
from storage.redis.client import RedisClient
from storage.redis.lane import Redis
from storage.router import Storage
from storage.stores.postgres import PostgresStore
from storage.stores.redis_over_postgres import RedisOverPostgresStore
from tests import factories
from tests.storage.counting import within
from tests.storage.redis.trouble import a_replica
from tests.world import stores
from tests.world.topologies import FIXTURES
from tests.world.valkey import Valkey

A, B = str(uuid4()), str(uuid4())


@pytest.fixture(params=FIXTURES)
def url(request: pytest.FixtureRequest) -> str:
    """A Redis in every topology."""
    return str(request.getfixturevalue(FIXTURES[request.param]))


@pytest_asyncio.fixture
async def redis(url: str) -> AsyncIterator[RedisClient]:
    redis = await open_client(url)
    yield redis
    await redis.close()


@pytest_asyncio.fixture
async def storage(database_url: str, url: str) -> AsyncIterator[Storage]:
    storage = await Storage.open(database_url, url)
    yield storage
    await storage.close()


@pytest_asyncio.fixture(params=[*FIXTURES, "alone"])
async def either(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Storage]:
    """With a Redis in every topology, and without one."""
    known = FIXTURES.get(request.param)
    storage = await Storage.open(database_url, request.getfixturevalue(known) if known else None)
    yield storage
    await storage.close()


async def test_100_sessions_survive_an_emptied_and_a_restarted_redis(
    database_url: str, own_redis: Valkey
) -> None:
    storage = await Storage.open(database_url, own_redis.url)
    values = []
    for _ in range(100):
        value, id = factories.presented()
        await storage.artifacts.save(factories.session(A, id=id), 600)
        values.append(value)
    redis = await Redis.open(own_redis.url)
    await redis.command("FLUSHALL")
    await redis.close()
    found = [await storage.artifacts.find(Session, value, A) for value in values]
    assert all(found)
    own_redis.restart()
    found = await asyncio.gather(*(storage.artifacts.find(Session, v, A) for v in values))
    assert all(found)
    own_redis.stop()
    found = await asyncio.gather(*(storage.artifacts.find(Session, v, A) for v in values))
    assert all(found)
    await storage.close()


async def test_while_redis_is_away_sessions_work_and_what_lives_there_is_unreachable(
    database_url: str, own_redis: Valkey
) -> None:
    storage = await Storage.open(database_url, own_redis.url)
    own_redis.stop()
    value, id = factories.presented()
    session = factories.session(A, id=id)
    await storage.artifacts.save(session, 60)
    assert await storage.artifacts.find(Session, value, A) == session
    await storage.end_session(session)
    assert await storage.artifacts.find(Session, value, A) is None
    for work in (
        storage.artifacts.save(factories.code(A), 60),
        storage.artifacts.find(Interaction, value, ANY_ORGANIZATION),
        storage.artifacts.consume(AuthorizationCode, value, A),
        storage.artifacts.save(factories.interaction(A), 60),
        storage.artifacts.delete(factories.code(A)),
        storage.try_redis(),
    ):
        with pytest.raises(Unreachable):
            await work
    assert await within(storage.counters, value, 1)
    await storage.now()
    await storage.close()


async def test_a_session_is_read_from_redis_once_it_was_read(
    storage: Storage, redis: RedisClient
) -> None:
    value, id = factories.presented()
    session = factories.session(A, id=id)
    await storage.artifacts.save(session, 600)
    before = storage.round_trips
    assert await storage.artifacts.find(Session, value, A) == session
    assert storage.round_trips.postgres == before.postgres
    assert storage.round_trips.redis == before.redis + 1
    await redis.command("DEL", stores.key(session))
    assert await storage.artifacts.find(Session, value, A) == session
    assert storage.round_trips.postgres == before.postgres + 1
    assert await storage.artifacts.find(Session, value, A) == session
    assert storage.round_trips.postgres == before.postgres + 1


async def test_a_copy_lives_a_minute_at_most_and_never_longer_than_its_session(
    storage: Storage, redis: RedisClient
) -> None:
    (long_value, long_id), (short_value, short_id) = factories.presented(), factories.presented()
    long, short = factories.session(A, id=long_id), factories.session(A, id=short_id)
    saved = time.monotonic()

    async def lives(session: Session, seconds: int) -> bool:
        left = await redis.command("PTTL", stores.key(session)) / 1000
        passed = time.monotonic() - saved
        return bool(seconds - passed - 1 < left <= seconds)

    await storage.artifacts.save(long, 86_400)
    await storage.artifacts.save(short, 20)
    assert await lives(long, 60)
    assert await lives(short, 20)
    for session in (long, short):
        await redis.command("DEL", stores.key(session))
    await storage.artifacts.find(Session, long_value, A)
    await storage.artifacts.find(Session, short_value, A)
    assert await lives(long, 60)
    assert await lives(short, 20)


class SlowStore(PostgresStore):
    """Reads at once, and answers when it may."""

    def __init__(self, pg: Postgres) -> None:
        super().__init__(pg)
        self.has_read, self.may_answer = asyncio.Event(), asyncio.Event()

    async def find_lasting(
        self, kind: ArtifactKind, id: str, organization_id: str
    ) -> tuple[Artifact, float] | None:
        found = await super().find_lasting(kind, id, organization_id)
        self.has_read.set()
        await self.may_answer.wait()
        return found


async def test_a_read_that_began_before_the_end_cannot_bring_a_session_back(
    storage: Storage, pg: Postgres, redis: RedisClient
) -> None:
    value, id = factories.presented()
    session = factories.session(A, id=id)
    await storage.artifacts.save(session, 600)
    await redis.command("DEL", stores.key(session))
    slow = SlowStore(pg)
    reader = RedisOverPostgresStore(RedisBreaker(redis), slow)
    reading = asyncio.create_task(reader.find(ARTIFACTS[Session], id, A))
    await slow.has_read.wait()
    await storage.end_session(session)
    slow.may_answer.set()
    assert await reading == session
    assert await storage.artifacts.find(Session, value, A) is None


async def test_an_end_that_redis_missed_is_made_good_by_another(
    storage: Storage, redis: RedisClient
) -> None:
    value, id = factories.presented()
    session = factories.session(A, id=id)
    await storage.artifacts.save(session, 600)
    await storage.tokens.end_session(session)  # Redis was away: its copy is still there.
    assert not await storage.artifacts.delete(msgspec.structs.replace(session, organization_id=B))
    assert await redis.command("EXISTS", stores.key(session)) == 1
    await storage.artifacts.delete(session)
    assert await storage.artifacts.find(Session, value, A) is None


async def test_a_copy_counts_for_nothing_while_redis_takes_no_writes(
    database_url: str, own_redis: Valkey
) -> None:
    """It can still be read there, and what ended meanwhile could not be taken away."""
    storage = await Storage.open(database_url, own_redis.url)
    value, id = factories.presented()
    session = factories.session(A, id=id)
    await storage.artifacts.save(session, 600)
    with a_replica(own_redis):
        with pytest.raises(Unreachable):
            await storage.try_redis()
        await storage.end_session(session)
        with own_redis.client() as client:
            assert client.exists(stores.key(session))
        assert await storage.artifacts.find(Session, value, A) is None
    await storage.close()


async def test_an_ended_session_takes_its_grants_and_tokens_with_it(either: Storage) -> None:
    value, id = factories.presented()
    session, other = factories.session(A, id=id), factories.session(A)
    await either.artifacts.save(session, 60)
    await either.artifacts.save(other, 60)
    grant_value, given = factories.granted(session)
    other_value, kept = factories.granted(other)
    await either.artifacts.save(given, 60)
    await either.artifacts.save(kept, 60)
    token_value, token = await _issue(either, session, given)
    assert await either.artifacts.find(AccessToken, token_value, A) == token
    await either.end_session(session)
    assert await either.artifacts.find(Session, value, A) is None
    assert await either.artifacts.find_by(Session, A, uid=session.uid) is None
    assert await either.artifacts.find(Grant, grant_value, A) is None
    assert await either.artifacts.find(AccessToken, token_value, A) is None
    assert await either.artifacts.find(Grant, other_value, A) == kept
    assert await either.artifacts.find_by(Session, A, uid=other.uid) == other


async def test_an_ended_session_cannot_be_saved_to_life(either: Storage) -> None:
    value, id = factories.presented()
    session = factories.session(A, id=id)
    await either.artifacts.save(session, 60)
    await either.end_session(session)
    with pytest.raises(AlreadyConsumed):
        await either.artifacts.save(session, 60)
    assert await either.artifacts.find(Session, value, A) is None


async def _issue(storage: Storage, session: Session, given: Grant) -> tuple[str, AccessToken]:
    value, _ = factories.presented()
    family = factories.family(
        factories.client(organization_id=A, client_id="c"),
        session.account_id,
        grant_id=given.id,
        session_uid=session.uid,
        expires_at=4_000_000_000,
    )
    token = factories.access_token(family, value, issued_at=1, expires_at=2)
    assert await storage.tokens.redeem(family, 60, token, 60, None, 0)
    return value, token


async def test_only_a_living_session_of_the_organization_can_be_held(either: Storage) -> None:
    _, own = factories.presented()
    living, ended, expired = (factories.session(A, browser=own) for _ in range(3))
    for session, ttl in ((living, 60), (ended, 60), (expired, 0)):
        await either.artifacts.save(session, ttl)
    await either.end_session(ended)
    async with either.transaction() as tx:
        assert await tx.sessions.find_for_update(own, A) == [living]
        for browser, organization_id in ((own, B), ("x", A), ("", A)):
            assert await tx.sessions.find_for_update(browser, organization_id) == []


async def test_a_session_that_is_replaced_has_another_key_and_the_same_life(
    either: Storage, pg: Postgres
) -> None:
    (old_value, old_id), (value, id) = factories.presented(), factories.presented()
    old = factories.session(A, id=old_id, browser=old_id)
    new = msgspec.structs.replace(old, id=id, authenticated_at=old.authenticated_at + 9)
    await either.artifacts.save(old, 60)
    async with either.transaction() as tx:
        assert await tx.sessions.find_for_update(old_id, A) == [old]
        await tx.replace_session(old, new, 600)
    assert await either.artifacts.find(Session, old_value, A) is None
    assert await either.artifacts.find(Session, value, A) == new
    left = "SELECT EXTRACT(EPOCH FROM expires_at - now()) > 500 FROM sessions WHERE uid = %(uid)s"
    assert await pg.fetch(left, {"uid": old.uid}) == [(True,)]
    await either.end_session(old)
    assert await either.artifacts.find(Session, value, A) is None


async def test_a_session_of_another_organization_is_not_replaced(either: Storage) -> None:
    """The one that is held names its organization already; the statement does so all the same."""
    (old_value, old_id), (value, id) = factories.presented(), factories.presented()
    old = factories.session(A, id=old_id, browser=old_id)
    await either.artifacts.save(old, 60)
    foreign = msgspec.structs.replace(old, organization_id=B)
    async with either.transaction() as tx:
        await tx.sessions.replace(foreign, msgspec.structs.replace(foreign, id=id), 60)
    assert await either.artifacts.find(Session, old_value, A) == old
    for organization_id in (A, B):
        assert await either.artifacts.find(Session, value, organization_id) is None


async def test_a_replacement_that_is_rolled_back_changes_nothing(either: Storage) -> None:
    (old_value, old_id), (value, id) = factories.presented(), factories.presented()
    old = factories.session(A, id=old_id, browser=old_id)
    await either.artifacts.save(old, 60)
    with contextlib.suppress(ZeroDivisionError):
        async with either.transaction() as tx:
            await tx.sessions.find_for_update(old_id, A)
            await tx.replace_session(old, msgspec.structs.replace(old, id=id), 60)
            raise ZeroDivisionError
    assert await either.artifacts.find(Session, old_value, A) == old
    assert await either.artifacts.find(Session, value, A) is None


async def _end(tx: Storage, session: Session, value: str, how: str) -> None:
    match how:
        case "delete":
            assert await tx.artifacts.delete(session)
        case "consume":
            assert await tx.artifacts.consume(Session, value, A) == session
        case _:
            await tx.end_session(session)


@pytest.mark.parametrize("end", ["delete", "consume", "end"])
async def test_an_end_that_is_rolled_back_takes_nothing_away(either: Storage, end: str) -> None:
    """Nor its copy, which would be missed for a minute by whoever looks there first."""
    value, id = factories.presented()
    session = factories.session(A, id=id)
    await either.artifacts.save(session, 600)
    with contextlib.suppress(ZeroDivisionError):
        async with either.transaction() as tx:
            await _end(tx, session, value, end)
            raise ZeroDivisionError
    assert await either.artifacts.find(Session, value, A) == session


@pytest.mark.parametrize("end", ["delete", "consume", "end"])
async def test_an_end_within_a_transaction_ends_the_copy_too(either: Storage, end: str) -> None:
    value, id = factories.presented()
    session = factories.session(A, id=id)
    await either.artifacts.save(session, 600)
    async with either.transaction() as tx:
        await _end(tx, session, value, end)
    assert await either.artifacts.find(Session, value, A) is None


async def test_a_copy_that_comes_late_brings_no_replaced_session_back(
    storage: Storage, pg: Postgres, redis: RedisClient
) -> None:
    """Of two sign-ins side by side the first may write its copy after the second has buried it."""
    copies = RedisOverPostgresStore(RedisBreaker(redis), PostgresStore(pg))
    (value, id), first = factories.presented(), factories.session(A)
    between = msgspec.structs.replace(first, id=id)
    await copies.evict(ARTIFACTS[Session], between.id)
    await copies.succeed(ARTIFACTS[Session], first.id, between, 60)
    assert await storage.artifacts.find(Session, value, A) is None


async def test_security_10_nor_one_that_ended_before_its_copy_was_written(
    storage: Storage, redis: RedisClient, pg: Postgres
) -> None:
    """Of two sign-ins side by side the second may end the first before that has its copy."""
    copies = RedisOverPostgresStore(RedisBreaker(redis), PostgresStore(pg))
    (value, id) = factories.presented()
    ended = factories.session(A, id=id)
    await copies.evict(ARTIFACTS[Session], id)
    await copies.copy_new(ARTIFACTS[Session], ended, 60)
    assert await storage.artifacts.find(Session, value, A) is None
