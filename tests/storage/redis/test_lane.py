"""The door to Redis: commands, pipelines, scripts, and who may come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio

from storage.errors import StorageError, Unreachable
from storage.redis.client import Call, Script
from storage.redis.lane import Redis
from storage.redis.urls import parse_redis_url
from tests.world.ports import free_port
from tests.world.valkey import Valkey

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest_asyncio.fixture
async def redis(shared: Valkey) -> AsyncIterator[Redis]:
    redis = await Redis.open(shared.url)
    await redis.command("FLUSHALL")
    yield redis
    await redis.close()


async def test_a_command_returns_bytes_numbers_and_none(redis: Redis) -> None:
    assert await redis.command("SET", "key", "väl\r\nue") == b"OK"
    assert await redis.command("GET", "key") == "väl\r\nue".encode()
    assert await redis.command("GET", "absent") is None
    assert await redis.command("INCRBY", b"number", 5) == 5
    assert await redis.command("MGET", "number", "absent") == [b"5", None]


async def test_a_pipeline_answers_in_order_and_counts_one_round_trip(redis: Redis) -> None:
    before = redis.round_trips
    replies = await redis.pipeline([("SET", f"k{i}", i) for i in range(50)] + [("GET", "k49")])
    assert replies == [b"OK"] * 50 + [b"49"]
    assert redis.round_trips == before + 1


async def test_an_empty_pipeline_costs_nothing(redis: Redis) -> None:
    before = redis.round_trips
    assert await redis.pipeline([]) == []
    assert redis.round_trips == before


async def test_callers_of_one_loop_turn_get_their_own_answers(redis: Redis) -> None:
    answers = await asyncio.gather(*(redis.command("ECHO", i) for i in range(500)))
    assert answers == [str(i).encode() for i in range(500)]


async def test_a_large_value_survives(redis: Redis) -> None:
    value = b"x" * 5_000_000
    await redis.command("SET", "large", value)
    assert await redis.command("GET", "large") == value


async def test_a_cancelled_caller_does_not_shift_the_answers_of_others(redis: Redis) -> None:
    async def echo(word: str) -> bytes:
        answer: bytes = await redis.command("ECHO", word)
        return answer

    tasks = [asyncio.create_task(echo(f"w{i}")) for i in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers[1::2] == [f"w{i}".encode() for i in range(1, 20, 2)]
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
    assert await redis.command("ECHO", "after") == b"after"


async def test_a_refused_command_is_a_defect_and_tells_no_value(redis: Redis) -> None:
    await redis.command("SET", "key", "text")
    with pytest.raises(StorageError) as refused:
        await redis.pipeline([("GET", "key"), ("LPUSH", "key", "s3cret"), ("NONSENSE", "s3cret")])
    assert "WRONGTYPE" in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert await redis.command("GET", "key") == b"text"


async def test_an_error_that_quotes_its_arguments_is_not_repeated(redis: Redis) -> None:
    with pytest.raises(StorageError) as refused:
        await redis.command("NONSENSE", "s3cret")
    assert str(refused.value) == "Redis refused a command: ERR"


async def test_a_word_that_cannot_be_sent_leaves_the_connection_alone(redis: Redis) -> None:
    with pytest.raises(TypeError):
        await redis.command("SET", "key", object())  # type: ignore[arg-type]
    assert await redis.command("ECHO", "fine") == b"fine"


async def test_a_script_runs_by_name_and_is_taught_when_forgotten(redis: Redis) -> None:
    script = Script("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}")
    await redis.command("SCRIPT", "FLUSH")
    before = redis.round_trips
    assert await redis.script(script, ["n"], ["a"]) == [b"n", b"a", 1]
    assert redis.round_trips == before + 2
    assert await redis.script(script, ["n"], ["b"]) == [b"n", b"b", 2]
    assert redis.round_trips == before + 3


GUARD = Script("""
if redis.call('INCR', KEYS[1]) > tonumber(ARGV[1]) then return {ARGV[2], #KEYS, #ARGV} end
return {}  -- the last line of a script may be a comment""")
FAILING = Script("return redis.call('INCR', KEYS[1])")


async def test_a_key_is_set_where_its_guard_lets_it(redis: Redis) -> None:
    key, other = "guard", "act"
    guard = Call(GUARD, [key], [1, "no"])
    assert await redis.guarded_set(guard, other, "a", 60_000) == []
    assert await redis.command("GET", other) == b"a"
    assert 0 < await redis.command("PTTL", other) <= 60_000
    assert await redis.guarded_set(guard, other, "b", 60_000) == [b"no", 1, 2]
    assert await redis.command("GET", other) == b"a"
    assert await redis.command("GET", key) == b"2"


async def test_a_guard_that_fails_is_a_defect(redis: Redis) -> None:
    text = "text"
    await redis.command("SET", text, "text")
    with pytest.raises(StorageError, match="ERR") as refused:
        await redis.guarded_set(Call(FAILING, [text]), "act", "a", 60_000)
    assert await redis.command("EXISTS", "act") == 0
    assert not isinstance(refused.value, Unreachable)


async def test_the_database_of_the_url_is_selected(shared: Valkey, redis: Redis) -> None:
    other = await Redis.open(f"{shared.url}/3")
    await other.command("SET", "only-in-3", 1)
    assert await redis.command("EXISTS", "only-in-3") == 0
    await other.close()


async def test_a_user_of_the_acl_signs_in(shared: Valkey, redis: Redis) -> None:
    await redis.command("ACL", "SETUSER", "porta", "on", ">p@ss:w/rd", "~*", "+@all")
    user = await Redis.open(f"redis://porta:p%40ss%3Aw%2Frd@127.0.0.1:{shared.port}")
    assert await user.command("ACL", "WHOAMI") == b"porta"
    await user.close()


async def test_a_wrong_password_is_refused_without_being_told(shared: Valkey) -> None:
    with pytest.raises(Unreachable) as refused:
        await Redis.open(f"redis://:not-the-passw0rd@127.0.0.1:{shared.port}")
    assert "WRONGPASS" in str(refused.value)
    assert "passw0rd" not in str(refused.value)


async def test_nobody_listening_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        await Redis.open(f"redis://127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    "url",
    [
        "http://h/0",
        "redis://:s3cret@h/zero",
        "redis://:s3cret@h/0?socket_timeout=1",
        "redis://:s3cret@h/-1",
        "localhost:6379",
        "redis://:s3cret@h:port/0",
        "redis://:s3cret/x@h",
        "redis://:s3cret@[h",
        "redis://:s3cret\u2100@h",
    ],
)
def test_another_url_is_refused_without_quoting_its_password(url: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        parse_redis_url(url)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_an_address_hides_its_password() -> None:
    assert "s3cret" not in repr(parse_redis_url("redis://:s3cret@h"))
