"""Artifacts that are kept in Redis, or in PostgreSQL while Redis takes no writes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import msgspec
import pytest

from storage.errors import AlreadyConsumed, Unreachable
from storage.models.artifact import Home, Routed, artifact_id, home_of, new_value
from storage.models.artifacts import ARTIFACTS, AuthorizationCode
from storage.models.interactions import Interaction
from storage.postgres.driver import Postgres
from storage.redis.breaker import RedisBreaker
from storage.redis.lane import Redis
from storage.router import Storage
from storage.stores import encode
from storage.stores.redis import RedisStore
from tests import factories
from tests.world import stores
from tests.world.valkey import Valkey

A = str(uuid4())
MADE: tuple[tuple[Callable[..., Routed], type[Routed]], ...] = (
    (partial(factories.code, A), AuthorizationCode),
    (partial(factories.interaction, A), Interaction),
)


async def _places(pg: Postgres, redis: Redis, artifact: Routed) -> tuple[int, int]:
    """Return whether PostgreSQL and Redis hold it."""
    found = await pg.fetch("SELECT 1 FROM artifacts WHERE id = %(id)s", {"id": artifact.id})
    return len(found), await redis.command("EXISTS", stores.key(artifact))


@pytest.mark.parametrize("home", Home)
def test_a_value_names_its_store_and_cannot_be_guessed(home: Home) -> None:
    values = {new_value(home) for _ in range(100)}
    assert len({value[1:] for value in values}) == 100
    assert {len(value) for value in values} == {43}
    assert {home_of(value) for value in values} == {home}
    assert {value[0] for value in values} == {home.value}


async def test_faults_F1_the_value_says_where_it_is_kept(
    storage: Storage, alone: Storage, pg: Postgres, redis: Redis
) -> None:
    for where, home in ((storage, Home.REDIS), (alone, Home.POSTGRES)):
        for make, record in MADE:
            value = await where.artifacts.create(make, 60)
            found = await where.artifacts.find(record, value, A)
            assert found is not None
            assert (home_of(value), found.home, found.id) == (home, home, artifact_id(value))
            in_redis = home is Home.REDIS
            assert await _places(pg, redis, found) == (not in_redis, in_redis)


@pytest.mark.parametrize(("make", "record"), MADE)
async def test_faults_F1_what_is_made_while_redis_is_away_lives_in_postgresql_for_good(
    database_url: str, own_redis: Valkey, make: Callable[..., Routed], record: type[Routed]
) -> None:
    """On the instance that made it and on one that never noticed, also when Redis is back."""
    here = await Storage.open(database_url, own_redis.url)
    there = await Storage.open(database_url, own_redis.url)
    own_redis.stop()
    values = [await here.artifacts.create(make, 60) for _ in range(3)]
    assert {home_of(value) for value in values} == {Home.POSTGRES}
    for back in (False, True):
        if back:
            own_redis.start()
            await _answered(here, there)
        for storage in (here, there):
            assert await storage.artifacts.find(record, values[0], A) is not None
    found = await there.artifacts.find(record, values[1], A)
    assert found is not None
    await there.artifacts.save(found, 60)
    assert await here.artifacts.delete(found)
    assert await there.artifacts.find(record, values[1], A) is None
    assert await here.artifacts.find(record, values[2], str(uuid4())) is None
    answers = await asyncio.gather(
        *(each.artifacts.consume(record, values[2], A) for each in (here, there) * 10),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, record) for answer in answers) == 1
    assert sum(isinstance(answer, AlreadyConsumed) for answer in answers) == 19
    await here.close()
    await there.close()


async def _answered(*storages: Storage) -> None:
    async with asyncio.timeout(30):
        for storage in storages:
            while True:
                try:
                    await storage.try_redis()
                except Unreachable:
                    await asyncio.sleep(0.02)
                else:
                    break


@pytest.mark.parametrize(("make", "record"), MADE)
async def test_security_what_lives_in_redis_is_asked_for_nowhere_else(
    database_url: str, own_redis: Valkey, make: Callable[..., Routed], record: type[Routed]
) -> None:
    """An artifact that was used up must not be found unused in another store."""
    storage = await Storage.open(database_url, own_redis.url)
    value = await storage.artifacts.create(make, 60)
    found = await storage.artifacts.find(record, value, A)
    assert found is not None
    own_redis.stop()
    for work in (
        storage.artifacts.find(record, value, A),
        storage.artifacts.consume(record, value, A),
        storage.artifacts.save(found, 60),
        storage.artifacts.delete(found),
    ):
        with pytest.raises(Unreachable):
            await work
    await storage.close()


@pytest.mark.parametrize(("make", "record"), MADE)
async def test_security_another_letter_is_another_value(
    storage: Storage, alone: Storage, make: Callable[..., Routed], record: type[Routed]
) -> None:
    for where in (storage, alone):
        value = await where.artifacts.create(make, 60)
        for letter in "rpRPa_-0":
            if letter == value[0]:
                continue
            for any_instance in (storage, alone):
                moved = letter + value[1:]
                assert await any_instance.artifacts.find(record, moved, A) is None
                assert await any_instance.artifacts.consume(record, moved, A) is None
        assert await where.artifacts.consume(record, value, A) is not None


async def test_what_storage_did_not_make_it_does_not_keep(storage: Storage, alone: Storage) -> None:
    for where in (storage, alone):
        for make, _ in MADE:
            strange = make(home=None)
            with pytest.raises(ValueError, match="create"):
                await where.artifacts.save(strange, 60)
            with pytest.raises(ValueError, match="create"):
                await where.artifacts.delete(strange)


async def test_a_value_of_a_version_that_knew_redis_only_is_served(
    storage: Storage, redis: Redis
) -> None:
    value = f"x{new_value(Home.REDIS)[1:]}"
    older = factories.interaction(A, id=artifact_id(value), home=None)
    assert b"home" not in encode(older)
    kind = ARTIFACTS[Interaction]
    await RedisStore(RedisBreaker(redis)).save(kind, older, 60)
    found = await storage.artifacts.find(Interaction, value, A)
    assert found is not None
    await storage.artifacts.save(msgspec.structs.replace(found, prompt="consent"), 60)
    after = await storage.artifacts.consume(Interaction, value, A)
    assert after is not None
    assert after.prompt == "consent"


async def test_in_a_transaction_it_is_made_with_the_rest_or_not_at_all(alone: Storage) -> None:
    values = []
    with contextlib.suppress(RuntimeError):
        async with alone.transaction() as tx:
            values.append(await tx.artifacts.create(MADE[0][0], 60))
            assert await tx.artifacts.find(AuthorizationCode, values[0], A) is not None
            raise RuntimeError
    assert await alone.artifacts.find(AuthorizationCode, values[0], A) is None


@pytest.mark.parametrize(("make", "record"), MADE)
async def test_faults_F1_what_postgresql_took_over_is_purged_when_its_time_is_up(
    alone: Storage, pg: Postgres, make: Callable[..., Routed], record: type[Routed]
) -> None:
    """Used up or not. What is used up stays known until then."""
    used, unused, living = [await alone.artifacts.create(make, 60) for _ in range(3)]
    for value in (used, living):
        assert await alone.artifacts.consume(record, value, A) is not None
    await alone.trial.write()
    ids = [artifact_id(value) for value in (used, unused)]
    await pg.execute(
        "UPDATE artifacts SET expires_at = now() - interval '1 second' WHERE id = ANY(%(ids)s)",
        {"ids": ids},
    )
    while await alone.everywhere.expired.purge():
        pass
    rows = await pg.fetch("SELECT id FROM artifacts WHERE kind = %(k)s", {"k": record.__name__})
    left = {row[0] for row in rows}
    assert not left & set(ids)
    assert artifact_id(living) in left
    with pytest.raises(AlreadyConsumed):
        await alone.artifacts.consume(record, living, A)
    assert await pg.fetch("SELECT 1 FROM artifacts WHERE kind = 'Trial'"), "it is nobody's"
