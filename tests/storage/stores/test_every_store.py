"""What every artifact store promises: memory, PostgreSQL, and Redis in every topology."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from storage.errors import AlreadyConsumed, AlreadyExists
from storage.models.artifact import Artifact
from storage.models.artifacts import (
    ANY_ORGANIZATION,
    ARTIFACTS,
    AuthorizationCode,
    ReplayDetection,
    Session,
)
from storage.models.interactions import Consent, Interaction
from storage.opening import open_client
from storage.postgres.driver import Postgres
from storage.redis.client import RedisClient
from storage.stores import AmendingStore, ArtifactStore
from storage.stores import redis as redis_store
from storage.stores.memory import MemoryStore
from storage.stores.redis import RedisStore
from storage.stores.redis_over_postgres import RedisOverPostgresStore
from tests import factories
from tests.world import stores
from tests.world.topologies import FIXTURES

CODE, MARK = ARTIFACTS[AuthorizationCode], ARTIFACTS[ReplayDetection]
INTERACTION, SESSION = ARTIFACTS[Interaction], ARTIFACTS[Session]
A, B = str(uuid4()), str(uuid4())

STORES = [
    *((name, "server") for name in stores.STORES),
    *((name, topology) for name in stores.IN_REDIS for topology in ("sentinel", "cluster")),
]


@pytest.fixture(scope="module", params=STORES, ids=" on ".join)
def kind(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A store, and the URL of the Redis it has."""
    name, topology = request.param
    return name, request.getfixturevalue(FIXTURES[topology])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def store(kind: tuple[str, str], database_url: str) -> AsyncIterator[ArtifactStore]:
    name, url = kind
    async with stores.open_store(name, database_url, url) as store:
        yield store


@pytest_asyncio.fixture
async def redis(kind: tuple[str, str]) -> AsyncIterator[RedisClient]:
    redis = await open_client(kind[1])
    yield redis
    await redis.close()


@pytest.mark.parametrize(
    "artifact",
    [factories.session(A), factories.code(A), factories.interaction(A), factories.replay_mark(A)],
    ids=lambda artifact: type(artifact).__name__,
)
async def test_what_is_saved_is_found_whole(store: ArtifactStore, artifact: Artifact) -> None:
    kind = ARTIFACTS[type(artifact)]
    fresh = msgspec.structs.replace(artifact, id=factories.new_artifact_id())
    await store.save(kind, fresh, 60)
    assert await store.find(kind, fresh.id, A) == fresh
    assert await store.find(kind, fresh.id, A) == fresh


async def test_what_was_never_saved_is_none(store: ArtifactStore) -> None:
    id = factories.new_artifact_id()
    assert await store.find(CODE, id, A) is None
    assert await store.consume(CODE, id, A) is None
    assert await store.find_by(SESSION, A, "uid", id) is None
    await store.delete(CODE, id, A)


async def test_what_has_expired_is_none(
    store: ArtifactStore, redis: RedisClient, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, session = factories.code(A), factories.session(A)
    await store.save(CODE, code, 60)
    await store.save(SESSION, session, 60)
    assert await store.find(CODE, code.id, A) == code
    assert await store.find(SESSION, session.id, A) == session
    if isinstance(store, MemoryStore):
        monkeypatch.setattr(store, "_clock", lambda: time.monotonic() + 60)
    for artifact in (code, session):
        await _end(redis, pg, artifact)
    assert await store.find(CODE, code.id, A) is None
    assert await store.consume(CODE, code.id, A) is None
    assert await store.find(SESSION, session.id, A) is None
    assert await store.find_by(SESSION, A, "uid", session.uid) is None


async def _end(redis: RedisClient, pg: Postgres, artifact: Artifact) -> None:
    """Have the time of an artifact be up, where the store gave it a minute at most."""
    key = stores.key(artifact)
    if 0 < await redis.command("PTTL", key) <= 60_000:
        await redis.command("PEXPIRE", key, 0)
    await pg.execute(
        f"UPDATE {ARTIFACTS[type(artifact)].table} SET expires_at = now()"
        " WHERE id = %(id)s AND expires_at <= now() + interval '1 minute'",
        {"id": artifact.id},
    )


async def test_a_copy_is_not_refilled_beyond_its_time(database_url: str, redis_url: str) -> None:
    session = factories.session(A)
    async with stores.open_store("redis over postgres", database_url, redis_url) as store:
        await store.save(SESSION, session, 20)
        redis = await open_client(redis_url)
        await redis.command("DEL", stores.key(session))
        assert await store.find(SESSION, session.id, A) == session
        assert 0 < await redis.command("PTTL", stores.key(session)) <= 20_000
        await redis.close()


async def test_security_14_another_client_consumes_nothing(store: ArtifactStore) -> None:
    code = factories.code(A)
    await store.save(CODE, code, 60)
    strangers = ("client", 'client "one', f"{code.client_id} ", code.client_id.upper(), "%", "*")
    for stranger in strangers:
        assert await store.consume(CODE, code.id, A, stranger) is None
    assert await store.consume(CODE, code.id, B, code.client_id) is None
    assert await store.consume(CODE, code.id, A, code.client_id) == code
    assert await store.consume(CODE, code.id, A, "client") is None, "and learns nothing of its use"
    with pytest.raises(AlreadyConsumed):
        await store.consume(CODE, code.id, A, code.client_id)


async def test_what_is_no_clients_is_consumed_for_none(store: ArtifactStore) -> None:
    session = factories.session(A)
    await store.save(SESSION, session, 60)
    assert await store.consume(SESSION, session.id, A, "client") is None
    assert await store.find(SESSION, session.id, A) == session


@pytest.mark.parametrize("ttl", [0, -5])
async def test_what_has_no_time_left_is_gone_at_once(store: ArtifactStore, ttl: float) -> None:
    code = factories.code(A)
    await store.save(CODE, code, ttl)
    await asyncio.sleep(0.02)
    assert await store.find(CODE, code.id, A) is None


async def test_another_organization_sees_nothing_and_harms_nothing(store: ArtifactStore) -> None:
    code, session = factories.code(A), factories.session(A)
    await store.save(CODE, code, 60)
    await store.save(SESSION, session, 60)
    assert await store.find(CODE, code.id, B) is None
    assert await store.consume(CODE, code.id, B) is None
    assert await store.find(SESSION, session.id, B) is None
    assert await store.find_by(SESSION, B, "uid", session.uid) is None
    assert not await store.delete(CODE, code.id, B)
    assert not await store.delete(SESSION, session.id, B)
    assert await store.find(SESSION, session.id, A) == session
    assert await store.consume(CODE, code.id, A) == code
    assert await store.consume(CODE, code.id, B) is None


async def test_another_organization_cannot_take_an_id_over(store: ArtifactStore) -> None:
    session = factories.session(A)
    await store.save(SESSION, session, 60)
    with pytest.raises(AlreadyExists):
        await store.save(SESSION, factories.session(B, id=session.id), 60)
    assert await store.find(SESSION, session.id, A) == session


async def test_another_kind_is_unknown_under_the_same_id(store: ArtifactStore) -> None:
    code = factories.code(A)
    await store.save(CODE, code, 60)
    assert await store.find(INTERACTION, code.id, A) is None
    assert await store.consume(MARK, code.id, A) is None
    await store.delete(INTERACTION, code.id, A)
    assert await store.consume(CODE, code.id, A) == code


async def test_an_interaction_is_found_before_its_organization(store: ArtifactStore) -> None:
    interaction = factories.interaction(A)
    await store.save(INTERACTION, interaction, 60)
    assert await store.find(INTERACTION, interaction.id, ANY_ORGANIZATION) == interaction
    assert await store.consume(INTERACTION, interaction.id, ANY_ORGANIZATION) == interaction
    with pytest.raises(AlreadyConsumed):
        await store.consume(INTERACTION, interaction.id, A)


async def test_nothing_else_is(store: ArtifactStore) -> None:
    session = factories.session(A)
    await store.save(SESSION, session, 60)
    with pytest.raises(ValueError, match="names its organization"):
        await store.find(SESSION, session.id, ANY_ORGANIZATION)
    with pytest.raises(ValueError, match="names its organization"):
        await store.find_by(SESSION, ANY_ORGANIZATION, "uid", session.uid)
    with pytest.raises(ValueError, match="names its organization"):
        await store.consume(SESSION, session.id, ANY_ORGANIZATION)
    with pytest.raises(ValueError, match="names its organization"):
        await store.delete(SESSION, session.id, ANY_ORGANIZATION)
    assert await store.find(SESSION, session.id, A) == session


async def test_saving_again_replaces(
    store: ArtifactStore, redis: RedisClient, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = factories.interaction(A)
    after = msgspec.structs.replace(
        before, prompt="consent", session_uid="u", consented=Consent(scope=("openid",))
    )
    await store.save(INTERACTION, before, 60)
    assert await store.find(INTERACTION, before.id, A) == before
    await store.save(INTERACTION, after, 600)
    if isinstance(store, MemoryStore):
        monkeypatch.setattr(store, "_clock", lambda: time.monotonic() + 60)
    await _end(redis, pg, before)
    assert await store.find(INTERACTION, before.id, A) == after


async def test_the_first_to_consume_gets_it_later_ones_are_told(store: ArtifactStore) -> None:
    code = factories.code(A)
    await store.save(CODE, code, 60)
    assert await store.consume(CODE, code.id, A) == code
    for _ in range(2):
        with pytest.raises(AlreadyConsumed) as replay:
            await store.consume(CODE, code.id, A)
        assert replay.value.artifact == code
    assert await store.find(CODE, code.id, A) is None


async def test_what_was_consumed_cannot_be_saved_to_life(store: ArtifactStore) -> None:
    code = factories.code(A)
    await store.save(CODE, code, 60)
    await store.consume(CODE, code.id, A)
    with pytest.raises(AlreadyConsumed):
        await store.save(CODE, msgspec.structs.replace(code, scope="openid admin"), 60)
    with pytest.raises(AlreadyConsumed) as replay:
        await store.consume(CODE, code.id, A)
    assert replay.value.artifact == code


async def test_a_consumed_artifact_is_forgotten_with_its_time(store: ArtifactStore) -> None:
    code = factories.code(A)
    await store.save(CODE, code, 0.2)
    await store.consume(CODE, code.id, A)
    await asyncio.sleep(0.3)
    assert await store.consume(CODE, code.id, A) is None


async def test_a_replay_mark_is_made_once(store: ArtifactStore) -> None:
    mark = factories.replay_mark(A)
    await store.save(MARK, mark, 60)
    with pytest.raises(AlreadyConsumed):
        await store.save(MARK, mark, 60)


async def test_of_many_who_make_one_replay_mark_one_succeeds(store: ArtifactStore) -> None:
    mark = factories.replay_mark(A)
    answers = await asyncio.gather(
        *(store.save(MARK, mark, 60) for _ in range(20)), return_exceptions=True
    )
    assert answers.count(None) == 1
    assert sum(isinstance(answer, AlreadyConsumed) for answer in answers) == 19


async def test_a_replay_mark_of_another_organization_counts_as_used(store: ArtifactStore) -> None:
    mark = factories.replay_mark(A)
    await store.save(MARK, mark, 60)
    with pytest.raises(AlreadyConsumed):
        await store.save(MARK, factories.replay_mark(B, id=mark.id), 60)


async def test_a_replay_mark_can_be_made_again_after_its_time(store: ArtifactStore) -> None:
    mark = factories.replay_mark(A)
    await store.save(MARK, mark, 0.1)
    await asyncio.sleep(0.2)
    await store.save(MARK, mark, 60)


async def test_what_is_deleted_is_gone(store: ArtifactStore) -> None:
    code, session = factories.code(A), factories.session(A)
    await store.save(CODE, code, 60)
    await store.save(SESSION, session, 60)
    for kind, gone in ((CODE, code), (SESSION, session)):
        assert await store.delete(kind, gone.id, A)
        # Before anybody deletes it again, which takes away a copy that was left behind.
        assert await store.find(kind, gone.id, A) is None
        assert await store.consume(kind, gone.id, A) is None
        assert not await store.delete(kind, gone.id, A)
        assert await store.find(kind, gone.id, A) is None
    assert await store.find_by(SESSION, A, "uid", session.uid) is None


async def test_a_session_is_found_by_its_uid(store: ArtifactStore) -> None:
    session, other = factories.session(A), factories.session(A)
    await store.save(SESSION, session, 60)
    await store.save(SESSION, other, 60)
    assert await store.find_by(SESSION, A, "uid", session.uid) == session


async def test_an_index_that_leads_elsewhere_finds_nothing(
    store: ArtifactStore, redis: RedisClient
) -> None:
    """It lives under a key of its own, and may have been left behind: it is a hint."""
    if not isinstance(store, RedisStore):
        pytest.skip("its index is a column of the row")
    session = factories.session(A)
    await store.save(SESSION, session, 60)
    stale = redis_store._index_key(SESSION, A, "uid", "another")
    await redis.command("SET", stale, session.id)
    assert await store.find_by(SESSION, A, "uid", "another") is None
    assert await store.find_by(SESSION, A, "uid", session.uid) == session


async def test_tests_what_was_consumed_is_found_by_no_index(store: ArtifactStore) -> None:
    session, other = factories.session(A), factories.session(A)
    await store.save(SESSION, session, 60)
    await store.save(SESSION, other, 60)
    assert await store.consume(SESSION, session.id, A) == session
    assert await store.find_by(SESSION, A, "uid", session.uid) is None
    assert await store.find_by(SESSION, A, "uid", other.uid) == other


async def test_an_index_that_is_not_declared_is_a_mistake(store: ArtifactStore) -> None:
    with pytest.raises(ValueError, match="not found by"):
        await store.find_by(SESSION, A, "account_id", "x")
    with pytest.raises(ValueError, match="not found by"):
        await store.find_by(CODE, A, "uid", "x")


def _with_error(artifact: Artifact) -> tuple[Artifact, float]:
    return msgspec.structs.replace(artifact, error="gone"), 60


async def test_a_part_is_changed_of_what_stands(store: ArtifactStore) -> None:
    if isinstance(store, RedisOverPostgresStore):
        return  # what it keeps is saved whole
    amending: AmendingStore = store  # type: ignore[assignment]
    read, another = factories.interaction(A), factories.interaction(A)
    for each in (read, another):
        await store.save(INTERACTION, each, 60)
    stands = msgspec.structs.replace(read, prompt="consent")
    await store.save(INTERACTION, stands, 60)
    changed = await amending.amend(INTERACTION, read, _with_error)
    assert changed == msgspec.structs.replace(stands, error="gone")
    assert await store.find(INTERACTION, read.id, A) == changed
    assert await store.find(INTERACTION, another.id, A) == another


async def test_what_is_absent_used_or_anothers_is_not_changed(store: ArtifactStore) -> None:
    if isinstance(store, RedisOverPostgresStore):
        return
    amending: AmendingStore = store  # type: ignore[assignment]
    absent, over, used = (factories.interaction(A) for _ in range(3))
    await store.save(INTERACTION, over, 0)
    await asyncio.sleep(0.02)
    await store.save(INTERACTION, used, 60)
    await store.consume(INTERACTION, used.id, A)
    theirs = factories.interaction(B)
    await store.save(INTERACTION, theirs, 60)
    for each in (absent, over, msgspec.structs.replace(theirs, organization_id=A)):
        assert await amending.amend(INTERACTION, each, _with_error) is None
    for known in (used, msgspec.structs.replace(used, error="older")):
        with pytest.raises(AlreadyConsumed) as caught:
            await amending.amend(INTERACTION, known, _with_error)
        assert caught.value.artifact == used
    assert await store.find(INTERACTION, theirs.id, B) == theirs
    assert await store.find(INTERACTION, absent.id, A) is None
