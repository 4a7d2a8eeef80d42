"""A Redis that takes no writes, in every way it can: known for a moment, and taken up again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import pytest

from storage.errors import StorageError, Unreachable
from storage.models.artifact import Home, home_of
from storage.models.artifacts import AuthorizationCode, Session
from storage.models.interactions import Interaction
from storage.redis.breaker import RedisBreaker
from storage.redis.client import Script
from storage.redis.lane import Redis
from storage.router import Storage
from tests import factories
from tests.storage.counting import within
from tests.storage.redis.trouble import STATES, State, frozen, full
from tests.world.valkey import Valkey
from tests.world.waiting import eventually

A = str(uuid4())


@asynccontextmanager
async def opened(server: Valkey) -> AsyncIterator[RedisBreaker]:
    breaker = RedisBreaker(await Redis.open(server.url))
    try:
        yield breaker
    finally:
        await breaker.close()


async def _is_closed(breaker: RedisBreaker) -> bool:
    return breaker.takes_writes


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_faults_F3_whatever_keeps_redis_from_writing_costs_nobody_a_sign_in(
    database_url: str, own_redis: Valkey, state: State
) -> None:
    storage = await Storage.open(database_url, own_redis.url)
    make, artifacts = partial(factories.code, A), storage.artifacts
    value, id = factories.presented()
    session = factories.session(A, id=id)
    with state(own_redis):
        with pytest.raises(Unreachable):
            await storage.try_redis()
        assert storage.redis_trouble is not None
        codes = [await artifacts.create(make, 60) for _ in range(3)]
        assert {home_of(code) for code in codes} == {Home.POSTGRES}
        assert await artifacts.consume(AuthorizationCode, codes[0], A) is not None
        await artifacts.save(session, 60)
        assert await artifacts.find(Session, value, A) == session
        await storage.end_session(session)
        assert await artifacts.find(Session, value, A) is None
        assert [await within(storage.counters, value, 2) for _ in range(3)] == [True, True, False]

    async def taken_up() -> bool:
        return storage.redis_trouble is None

    await eventually(taken_up, 30.0)
    assert home_of(await artifacts.create(make, 60)) is Home.REDIS
    assert await artifacts.consume(AuthorizationCode, codes[1], A) is not None
    assert await artifacts.find(Session, value, A) is None
    await storage.close()


async def test_faults_F3_a_request_finds_out_by_itself_that_redis_is_full(
    database_url: str, own_redis: Valkey
) -> None:
    storage = await Storage.open(database_url, own_redis.url)
    with full(own_redis):
        assert home_of(await storage.artifacts.create(partial(factories.code, A), 60)) is (
            Home.POSTGRES
        )
        trouble = storage.redis_trouble
        assert trouble is not None
        assert "OOM" in trouble.reason
    await storage.close()


async def test_not_each_caller_waits_for_the_deadline(database_url: str, own_redis: Valkey) -> None:
    """One who finds a slow Redis out is enough: the others do not ask it at all."""
    storage = await Storage.open(database_url, own_redis.url, redis_deadline=1.0)
    with frozen(own_redis):
        with pytest.raises(Unreachable):
            await storage.try_redis()
        before = storage.round_trips.redis
        for _ in range(30):
            await storage.artifacts.create(partial(factories.code, A), 60)
            await within(storage.counters, A)
        assert storage.round_trips.redis == before, "a silent Redis is not sent a word"
    await storage.close()


async def test_a_refusal_is_not_asked_for_again_by_each_caller(
    database_url: str, own_redis: Valkey
) -> None:
    storage = await Storage.open(database_url, own_redis.url)
    with full(own_redis):
        with pytest.raises(Unreachable):
            await storage.try_redis()
        before = storage.round_trips.redis
        for _ in range(50):
            await storage.artifacts.create(partial(factories.code, A), 60)
            await within(storage.counters, A)
        assert storage.round_trips.redis - before < 50, "trials, and nothing else"
    await storage.close()


async def test_a_full_redis_uses_up_what_it_holds_once(
    database_url: str, own_redis: Valkey
) -> None:
    storage = await Storage.open(database_url, own_redis.url)
    code = await storage.artifacts.create(partial(factories.code, A), 60)
    assert home_of(code) is Home.REDIS
    with full(own_redis):
        answers = await asyncio.gather(
            *(storage.artifacts.consume(AuthorizationCode, code, A) for _ in range(10))
        )
        assert sum(answer is not None for answer in answers) == 1
    assert await storage.artifacts.consume(AuthorizationCode, code, A) is None
    await storage.close()


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_what_could_not_be_finished_is_not_found(
    database_url: str, own_redis: Valkey, state: State
) -> None:
    """A form whose answer cannot be kept, again and again, would be a dead end."""
    storage = await Storage.open(database_url, own_redis.url)
    uid = await storage.artifacts.create(partial(factories.interaction, A), 60)
    with state(own_redis):
        with pytest.raises(Unreachable):
            await storage.try_redis()
        with pytest.raises(Unreachable):
            await storage.artifacts.find(Interaction, uid, A)
    await storage.close()


async def test_a_copy_ends_with_its_session_at_a_full_redis(
    database_url: str, own_redis: Valkey
) -> None:
    """Another instance, which has not met the fault yet, must not read what is left of it."""
    here = await Storage.open(database_url, own_redis.url)
    there = await Storage.open(database_url, own_redis.url)
    value, id = factories.presented()
    session = factories.session(A, id=id)
    await here.artifacts.save(session, 60)
    assert await there.artifacts.find(Session, value, A) == session
    with full(own_redis):
        await here.end_session(session)
        assert await there.artifacts.find(Session, value, A) is None
    await here.close()
    await there.close()


async def test_a_defect_of_ours_is_no_outage(own_redis: Valkey) -> None:
    """Issue: a Lua fault, a wrong type."""
    async with opened(own_redis) as breaker:
        await breaker.command("SET", "text", "x")
        for work in (
            breaker.command("NONSENSE"),
            breaker.command("LPUSH", "text", "y"),
            breaker.pipeline([("PING",), ("GET",)]),
            breaker.script(Script("return redis.call('NONSENSE')"), []),
            breaker.script(Script("return redis.call('INCR', KEYS[1])"), ["text"]),
            breaker.script(Script("return nil + 1"), []),
            breaker.script(Script("this is no Lua"), []),
            breaker.script(Script("return redis.error_reply('WRONGTYPE ours')"), []),
        ):
            with pytest.raises(StorageError) as defect:
                await work
            assert not isinstance(defect.value, Unreachable)
            assert breaker.takes_writes


async def test_a_redis_that_runs_no_scripts_is_told_at_the_start(
    database_url: str, own_redis: Valkey
) -> None:
    own_redis.stop()
    own_redis.options = ("--rename-command", "EVALSHA", "", "--rename-command", "EVAL", "")
    own_redis.start()
    with pytest.raises(StorageError, match="refused a command: ERR") as defect:
        await Storage.open(database_url, own_redis.url)
    assert not isinstance(defect.value, Unreachable)


async def test_the_reason_and_its_beginning_are_known(own_redis: Valkey) -> None:
    async with opened(own_redis) as breaker:
        assert breaker.trouble is None
        own_redis.stop()
        with pytest.raises(Unreachable):
            await breaker.ping()
        first = breaker.trouble
        assert first is not None

        async def says_where() -> bool:
            now = breaker.trouble
            assert now is not None
            assert now.since == first.since
            return f"Redis at 127.0.0.1:{own_redis.port} does not answer: " in now.reason

        await eventually(says_where)
        own_redis.start()
        await eventually(lambda: _is_closed(breaker), 30.0)
        assert breaker.trouble is None


async def test_what_is_closed_tries_no_more(own_redis: Valkey) -> None:
    before = asyncio.all_tasks()
    breaker = RedisBreaker(await Redis.open(own_redis.url))
    own_redis.stop()
    with pytest.raises(Unreachable):
        await breaker.ping()
    await breaker.close()
    with pytest.raises(Unreachable):
        await breaker.ping()
    assert asyncio.all_tasks() <= before


async def test_a_redis_that_is_back_is_trusted_when_every_instance_may_have_found_it(
    own_redis: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one makes there, another has to find: it is read at once, and written to later."""
    monkeypatch.setattr("storage.redis.breaker._SETTLING", 6.0)
    async with opened(own_redis) as breaker:
        own_redis.stop()
        with pytest.raises(Unreachable):
            await breaker.ping()
        own_redis.start()

        async def answers() -> bool:
            try:
                await breaker.try_write()
            except Unreachable:
                return False
            return True

        await eventually(answers, 30.0)
        since = asyncio.get_running_loop().time()
        assert not breaker.takes_writes
        await eventually(lambda: _is_closed(breaker), 60.0)
        assert asyncio.get_running_loop().time() - since > 2.0
