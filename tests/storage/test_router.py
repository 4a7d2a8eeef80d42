"""Storage as a whole: routing, transactions, sessions that outlive Redis, and life without it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import msgspec
import pytest

from storage.databases import RoundTrips
from storage.errors import AlreadyConsumed, Unreachable
from storage.models.artifact import Artifact, artifact_id
from storage.models.artifacts import (
    ANY_ORGANIZATION,
    ARTIFACTS,
    AuthorizationCode,
    Grant,
    Session,
    Store,
)
from storage.models.interactions import Interaction
from storage.postgres.driver import Postgres
from storage.redis.lane import Redis
from storage.router import Storage
from tests import factories
from tests.storage.counting import within
from tests.world import stores
from tests.world.ports import free_port
from tests.world.valkey import Valkey

A, B = str(uuid4()), str(uuid4())


async def rows(pg: Postgres, artifact: Artifact) -> int:
    count = 0
    for table in ("artifacts", "sessions"):
        sql = f"SELECT id FROM {table} WHERE id = %(id)s"
        count += len(await pg.fetch(sql, {"id": artifact.id}))
    return count


@asynccontextmanager
async def failing_transaction(storage: Storage) -> AsyncIterator[Storage]:
    """A transaction that is rolled back at the end of the block."""
    with contextlib.suppress(RuntimeError):
        async with storage.transaction() as tx:
            yield tx
            raise RuntimeError


async def test_an_artifact_goes_where_the_table_says(
    storage: Storage, pg: Postgres, redis: Redis
) -> None:
    session = factories.session(A)
    every = [session, factories.code(A), factories.interaction(A), factories.replay_mark(A)]
    every.append(factories.granted(session)[1])
    for artifact in every:
        await storage.artifacts.save(artifact, 60)
        store = ARTIFACTS[type(artifact)].store
        assert await rows(pg, artifact) == (store is not Store.REDIS_OR_POSTGRES)
        assert await redis.command("EXISTS", stores.key(artifact)) == (store is not Store.POSTGRES)


async def test_without_redis_everything_goes_to_postgres(
    alone: Storage, pg: Postgres, redis: Redis
) -> None:
    for artifact in (factories.session(A), factories.code(A), factories.interaction(A)):
        await alone.artifacts.save(artifact, 60)
        assert await rows(pg, artifact) == 1
        assert await redis.command("EXISTS", stores.key(artifact)) == 0
    assert not alone.has_redis
    await alone.try_redis()
    assert alone.round_trips.redis == 0


async def test_a_value_is_found_and_never_stored(
    either: Storage, pg: Postgres, redis: Redis
) -> None:
    value, id = factories.presented()
    code = factories.code(A, id=id)
    await either.artifacts.save(code, 60)
    assert await either.artifacts.find(AuthorizationCode, value, A) == code
    assert await either.artifacts.find(AuthorizationCode, id, A) is None
    assert await either.artifacts.find(AuthorizationCode, value, B) is None
    assert not await pg.fetch(
        "SELECT id FROM artifacts WHERE artifacts::text LIKE '%%' || %(value)s || '%%'",
        {"value": value},
    )
    assert not [name for name in await redis.command("KEYS", "*") if value.encode() in name]


async def test_the_whole_interface(either: Storage) -> None:
    value, id = factories.presented()
    session, code = factories.session(A, id=id), factories.code(A, id=id)
    interaction, mark = factories.interaction(A, id=id), factories.replay_mark(A)
    artifacts = either.artifacts
    await artifacts.save(session, 60)
    assert await artifacts.find(Session, value, A) == session
    assert await artifacts.find_by(Session, A, uid=session.uid) == session
    assert await artifacts.delete(session)
    assert await artifacts.find(Session, value, A) is None
    await artifacts.save(code, 60)
    assert await artifacts.consume(AuthorizationCode, value, A) == code
    with pytest.raises(AlreadyConsumed) as replay:
        await artifacts.consume(AuthorizationCode, value, A)
    assert replay.value.artifact == code
    other_value, other_id = factories.presented()
    interaction = msgspec.structs.replace(interaction, id=other_id)
    await artifacts.save(interaction, 60)
    assert await artifacts.find(Interaction, other_value, ANY_ORGANIZATION) == interaction
    await artifacts.save(mark, 60)
    with pytest.raises(AlreadyConsumed):
        await artifacts.save(mark, 60)


async def test_a_transaction_is_committed_as_one(either: Storage) -> None:
    value, id = factories.presented()
    session = factories.session(A, id=id)
    grant_value, given = factories.granted(session)
    async with either.transaction() as tx:
        await tx.artifacts.save(session, 60)
        await tx.artifacts.save(given, 60)
        assert await tx.artifacts.find(Session, value, A) == session
        assert await tx.artifacts.find_by(Session, A, uid=session.uid) == session
        assert await either.artifacts.find(Session, value, A) is None
    assert await either.artifacts.find(Session, value, A) == session
    assert await either.artifacts.find(Grant, grant_value, A) == given


async def test_a_transaction_that_fails_leaves_nothing(either: Storage) -> None:
    value, id = factories.presented()
    session = factories.session(A, id=id)
    async with failing_transaction(either) as tx:
        await tx.artifacts.save(session, 60)
    assert await either.artifacts.find(Session, value, A) is None


async def test_what_is_ended_in_a_transaction_that_fails_lives_on(either: Storage) -> None:
    value, id = factories.presented()
    session = factories.session(A, id=id)
    await either.artifacts.save(session, 60)
    async with failing_transaction(either) as tx:
        await tx.end_session(session)
        await tx.artifacts.delete(session)
    assert await either.artifacts.find(Session, value, A) == session


@pytest.mark.parametrize("how", ["end", "delete", "consume"])
async def test_what_is_ended_in_a_transaction_is_gone_after_it(either: Storage, how: str) -> None:
    value, id = factories.presented()
    session = factories.session(A, id=id)
    await either.artifacts.save(session, 60)
    assert await either.artifacts.find(Session, value, A) == session
    async with either.transaction() as tx:
        if how == "end":
            await tx.end_session(session)
        elif how == "delete":
            assert await tx.artifacts.delete(session)
        else:
            assert await tx.artifacts.consume(Session, value, A) == session
    assert await either.artifacts.find(Session, value, A) is None


async def test_a_transaction_inside_joins_the_one_outside(either: Storage) -> None:
    value, id = factories.presented()
    async with failing_transaction(either) as outer, outer.transaction() as inner:
        await inner.artifacts.save(factories.session(A, id=id), 60)
    assert await either.artifacts.find(Session, value, A) is None


async def test_an_attempt_stays_counted_when_the_transaction_fails(either: Storage) -> None:
    key = str(uuid4())
    async with failing_transaction(either) as tx:
        assert await within(tx.counters, key, 1)
    assert not await within(either.counters, key, 1)


async def test_attempts_are_counted_in_redis_where_there_is_one(storage: Storage) -> None:
    key = str(uuid4())
    assert await within(storage.counters, key, 1)
    before = storage.round_trips
    assert not await within(storage.counters, key, 1)
    assert storage.round_trips == RoundTrips(before.postgres, before.redis + 1)


async def test_round_trips_are_counted(storage: Storage) -> None:
    before = storage.round_trips
    await storage.now()
    assert storage.has_redis
    await storage.try_redis()
    await storage.artifacts.save(factories.interaction(A), 60)
    after = storage.round_trips
    assert after.postgres == before.postgres + 1
    assert before.redis + 2 <= after.redis <= before.redis + 3  # the script may be new to Redis


async def test_every_listener_hears_a_change(storage: Storage) -> None:
    first: list[tuple[str, str]] = []
    second: list[tuple[str, str]] = []
    storage.on_change(lambda table, key: first.append((table, key)))
    storage.on_change(lambda table, key: second.append((table, key)))
    async with asyncio.timeout(30):
        while not storage.listening:
            await asyncio.sleep(0.01)
        await storage.everywhere.system_config.put("cors_max_age", 5, "number")
        while ("system_config", "cors_max_age") not in first:
            await asyncio.sleep(0.01)
    assert second == first
    assert ("*", "") in first


async def test_a_database_that_does_not_answer_is_told_at_once(
    database_url: str, server: Valkey
) -> None:
    with pytest.raises(Unreachable):
        await Storage.open(f"postgresql://nobody@127.0.0.1:{free_port()}/none", server.url)
    with pytest.raises(ValueError, match="Redis URL"):
        await Storage.open(database_url, "http://127.0.0.1")


async def test_a_replay_mark_is_kept_apart_by_its_organization_and_client(either: Storage) -> None:
    """Whoever makes a mark puts both into its value: an id is one row for everybody."""
    jti = str(uuid4())
    marks = [
        factories.replay_mark(id=artifact_id(f"{owner} {client} {jti}"), organization_id=owner)
        for owner, client in ((A, "one"), (A, "two"), (B, "one"))
    ]
    for mark in marks:
        await either.artifacts.save(mark, 60)
    for mark in marks:
        for owner in (A, B):
            with pytest.raises(AlreadyConsumed):
                await either.artifacts.save(
                    factories.replay_mark(id=mark.id, organization_id=owner), 60
                )
