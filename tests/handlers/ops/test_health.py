"""Health, and what still answers while a database does not (security requirement K.3)."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from handlers import app
from handlers.ops import probe
from porta.config.settings import Settings
from porta.observability import clock_skew
from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.storage.redis.trouble import STATES, State
from tests.world.house import SECRET, furnish
from tests.world.relay import Relay, relay
from tests.world.served import settings_for
from tests.world.valkey import Valkey
from tests.world.waiting import all_soon, eventually, stopwatch

CREDENTIALS = {
    "grant_type": "client_credentials", "client_id": "web", "client_secret": SECRET,
}  # fmt: skip


@dataclass
class Fragile:
    """An installation whose databases can be taken away."""

    http: httpx.AsyncClient
    postgres: Relay
    redis: Relay
    runtime: Runtime


@pytest_asyncio.fixture(loop_scope="session")
async def fragile(fresh_database_url: str, settings: Settings) -> AsyncIterator[Fragile]:
    assert settings.redis_url
    async with (
        relay(fresh_database_url) as (postgres, database_url),
        relay(settings.redis_url) as (redis, redis_url),
    ):
        relayed = settings.model_copy(
            update={"database_url": database_url, "redis_url": redis_url, "port": 0}
        )
        runtime = await Runtime.open(relayed)
        await furnish(runtime)
        server = await app.start(runtime, relayed)
        base_url = f"http://127.0.0.1:{server.port}"
        async with httpx.AsyncClient(base_url=base_url, timeout=30) as http:
            yield Fragile(http, postgres, redis, runtime)
        postgres.restore()
        redis.restore()
        await server.stop()
        await runtime.close()


async def test_a_healthy_process_says_so_in_the_words_of_1x(fragile: Fragile) -> None:
    answer = await fragile.http.get("/health")
    body = answer.json()
    assert datetime.fromisoformat(body.pop("timestamp")).tzinfo is not None
    assert (answer.status_code, body) == (
        200,
        {"status": "healthy", "checks": {"server": "ok", "database": "ok", "redis": "ok"}},
    )
    ready = await fragile.http.get("/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert ready.json()["checks"]["db"] == {"ok": True}


@pytest.mark.parametrize("seconds", [90.0, -90.0])
async def test_faults_F10_a_process_whose_clock_is_wrong_is_not_ready(
    fragile: Fragile, seconds: float
) -> None:
    fragile.runtime.clock = lambda: time.time() + seconds
    await clock_skew.measure(fragile.runtime)
    answer = await fragile.http.get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "not_ready")
    assert "Retry-After" in answer.headers
    check = answer.json()["checks"]["clock"]
    assert not check["ok"]
    assert abs(check["skew"] - seconds) < 5
    far = await fragile.http.get("/ready", headers={"X-Forwarded-For": "192.0.2.1"})
    assert (far.status_code, far.json()) == (503, {"status": "not_ready"})
    assert (await fragile.http.get("/live")).status_code == 200
    fragile.runtime.clock = time.time
    await clock_skew.measure(fragile.runtime)
    assert (await fragile.http.get("/ready")).status_code == 200


@pytest.mark.parametrize(
    "forwarding",
    ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"],
)
async def test_a_stranger_learns_no_more_than_the_status(fragile: Fragile, forwarding: str) -> None:
    """Requirement I.7. What a proxy on this machine hands on comes from the loopback too."""
    stranger = {forwarding: "127.0.0.1"}
    for path, word in (("/health", "healthy"), ("/ready", "ready")):
        answer = await fragile.http.get(path, headers=stranger)
        assert (answer.status_code, answer.json()) == (200, {"status": word})
    fragile.redis.silence()
    await _until_asked_anew()
    for path in ("/health", "/ready"):
        answer = await fragile.http.get(path, headers=stranger)
        assert (answer.status_code, answer.json()) == (200, {"status": "degraded"})
    fragile.postgres.silence()
    await _until_asked_anew()
    for path, word in (("/health", "unhealthy"), ("/ready", "not_ready")):
        answer = await fragile.http.get(path, headers=stranger)
        assert (answer.status_code, answer.json()) == (503, {"status": word})
        assert int(answer.headers["Retry-After"]) > 0


async def test_the_command_line_on_this_machine_sees_it_all(fragile: Fragile) -> None:
    words = ("-m", "porta", "health", "--json", "--url", str(fragile.http.base_url))
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=PIPE)
    told, _ = await process.communicate()
    assert json.loads(told) == {"server": "ok", "database": "ok", "redis": "ok"}


async def test_many_who_ask_at_once_are_one_question(fragile: Fragile) -> None:
    storage = fragile.runtime.storage.everywhere
    await fragile.http.get("/ready")  # reads the configuration
    await asyncio.gather(*(storage.now() for _ in range(30)))  # fills the pool
    await _until_asked_anew()
    fragile.postgres.silence()
    before = storage.round_trips.postgres
    paths = ["/ready", "/health"] * 15
    answers = await asyncio.gather(*(fragile.http.get(path) for path in paths))
    assert {answer.status_code for answer in answers} == {503}
    assert storage.round_trips.postgres - before <= 2, "the beat of the listener may be one"


async def test_faults_F11_a_silent_postgresql_is_told(fragile: Fragile) -> None:
    fragile.postgres.silence()
    async with stopwatch() as seconds:
        asked = asyncio.create_task(fragile.http.get("/ready"))
        health = await fragile.http.get("/health")
        assert seconds() < 3
    ready = await asked
    assert health.status_code == ready.status_code == 503
    body = health.json()
    assert body["status"] == "unhealthy"
    assert body["checks"] == {"server": "ok", "database": "error", "redis": "ok"}
    assert body["faults"]["database"]["reason"] == "no answer in 2 seconds"
    assert datetime.fromisoformat(body["faults"]["database"]["since"]).tzinfo is not None
    assert ready.json()["status"] == "not_ready"
    assert ready.json()["checks"]["db"]["reason"] == "no answer in 2 seconds"
    for answer in (health, ready):
        assert int(answer.headers["Retry-After"]) > 0


async def test_faults_F1_a_silent_redis_is_told_and_takes_nobody_out(fragile: Fragile) -> None:
    fragile.redis.silence()
    ready, health = await fragile.http.get("/ready"), await fragile.http.get("/health")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert health.json()["checks"] == {"server": "ok", "database": "ok", "redis": "degraded"}
    said, redis = health.json()["faults"]["redis"], ready.json()["checks"]["redis"]
    assert not redis["ok"]
    assert redis["since"] == said["since"]
    assert "no answer in time" in said["reason"]
    fragile.redis.restore()

    async def whole() -> bool:
        return bool((await fragile.http.get("/ready")).json()["status"] == "ready")

    await eventually(whole, 30.0)
    assert "faults" not in (await fragile.http.get("/health")).json()


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_B60_ready_tries_what_a_sign_in_needs_of_redis(
    fresh_database_url: str, own_redis: Valkey, state: State
) -> None:
    async with _running(settings_for(fresh_database_url, own_redis.url)) as http:
        assert (await http.get("/ready")).json()["status"] == "ready"
        with state(own_redis):
            await _until_asked_anew()
            ready, health = await http.get("/ready"), await http.get("/health")
            assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
            assert health.json()["faults"]["redis"]["reason"]
            assert own_redis.password not in health.text + ready.text

        async def whole() -> bool:
            return bool((await http.get("/ready")).json()["status"] == "ready")

        await eventually(whole, 30.0)


async def test_B60_on_a_server_that_was_demoted_nobody_is_ready(
    fresh_database_url: str, pg: Postgres
) -> None:
    """Connections to one that takes no writes are given up, and none is made."""
    name = urlsplit(fresh_database_url).path.removeprefix("/")
    async with _running(settings_for(fresh_database_url, None)) as http:
        assert (await http.get("/ready")).status_code == 200
        await pg.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await _end_connections(pg, name)

        async def refused() -> bool:
            return (await http.get("/ready")).status_code == 503

        await eventually(refused, 30.0)
        answer = await http.get("/health")
        assert answer.json()["checks"]["database"] == "error"
        assert answer.json()["faults"]["database"]["reason"]
        await pg.execute(f"ALTER DATABASE {name} RESET ALL")
        await _end_connections(pg, name)

        async def whole() -> bool:
            return (await http.get("/ready")).status_code == 200

        await eventually(whole, 30.0)


_REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{}'; END $$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON artifacts FOR EACH ROW EXECUTE FUNCTION refuse();
"""
_UNWRITABLE = {
    "locked": ("LOCK TABLE artifacts IN EXCLUSIVE MODE", "no answer in 2 seconds"),
    "disk full": (_REFUSE.format("53100"), "DiskFull"),
    "without the privilege": (_REFUSE.format("42501"), "InsufficientPrivilege"),
    "out of row ids": (_REFUSE.format("54000"), "ProgramLimitExceeded"),
}


@pytest.mark.parametrize("state", _UNWRITABLE)
async def test_B60_ready_tries_to_write_where_everything_can_be_read(
    fresh_database_url: str, state: str
) -> None:
    """Codes and tokens cannot be kept: whoever only asked for a sign of life would not know."""
    spoil, reason = _UNWRITABLE[state]
    mend = "DROP TRIGGER IF EXISTS refuse ON artifacts; DROP FUNCTION IF EXISTS refuse()"
    spoiler = await Postgres.open(fresh_database_url, size=1, statement_timeout=0)
    async with _running(settings_for(fresh_database_url, None)) as http, AsyncExitStack() as stack:
        assert (await http.get("/ready")).status_code == 200
        held = await stack.enter_async_context(spoiler.transaction())
        await held.execute(spoil)
        if state != "locked":
            await stack.aclose()  # commits
        await _until_asked_anew()
        ready, health = await http.get("/ready"), await http.get("/health")
        assert (ready.status_code, health.status_code) == (503, 503)
        assert not ready.json()["checks"]["db"]["ok"]
        assert reason in health.json()["faults"]["database"]["reason"]
        await stack.aclose()
        await spoiler.execute(mend)
        await _until_asked_anew()
        assert (await http.get("/ready")).status_code == 200
    await spoiler.close()


async def _end_connections(pg: Postgres, name: str) -> None:
    await pg.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %(name)s",
        {"name": name},
    )


async def test_people33_what_is_not_configured_is_not_said_to_be_well(
    fresh_database_url: str,
) -> None:
    async with _running(settings_for(fresh_database_url, None)) as http:
        health = (await http.get("/health")).json()
        assert health["status"] == "healthy"
        assert health["checks"] == {"server": "ok", "database": "ok", "redis": "not configured"}
        assert (await http.get("/ready")).json()["status"] == "ready"


async def test_a_crowd_has_one_row_written_in_a_second(fragile: Fragile) -> None:
    await fragile.http.get("/ready")  # reads the configuration
    storage, loop = fragile.runtime.storage.everywhere, asyncio.get_running_loop()
    before, began = storage.round_trips, loop.time()
    for _ in range(20):
        await asyncio.gather(*(fragile.http.get(path) for path in ("/ready", "/health") * 5))
    after, took = storage.round_trips, loop.time() - began
    assert after.redis - before.redis <= 1 + took
    assert after.postgres - before.postgres <= 2 + 2 * took, "the beat of the listener is one"


async def _until_asked_anew() -> None:
    """Wait until what was seen last is too old to be told again."""
    await asyncio.sleep(probe._FRESH)


@asynccontextmanager
async def _running(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    runtime = await Runtime.open(settings)
    await furnish(runtime)
    server = await app.start(runtime, settings)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=20) as http:
        yield http
    await server.stop()
    await runtime.close()


async def test_life_and_documents_need_no_database(fragile: Fragile) -> None:
    document = "/acme/.well-known/openid-configuration"
    await fragile.http.get(document)
    fragile.postgres.silence()
    fragile.redis.silence()
    durations = []
    for path in ("/live", "/", "/acme/jwks", document):
        async with stopwatch() as seconds:
            answer = await fragile.http.get(path)
            durations.append(seconds())
        assert (path, answer.status_code) == (path, 200)
    assert all_soon(durations), durations


_DOCUMENTS = (
    "/acme/.well-known/openid-configuration",
    "/acme/jwks",
    "/.well-known/oauth-authorization-server/acme",
)


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
async def test_K_3_documents_that_were_never_read_are_refused_in_time(
    fragile: Fragile, known: bool
) -> None:
    """Of an organization, or of what it offers; at once, and when every connection was given up."""
    if known:
        await fragile.runtime.organization("acme")
    fragile.postgres.silence()
    documents = [path for path in _DOCUMENTS if not known or "jwks" not in path]
    durations = []
    for path in documents * 8:
        async with stopwatch() as seconds:
            answer = await fragile.http.get(path)
            durations.append(seconds())
        assert (path, answer.status_code) == (path, 503)
        assert int(answer.headers["Retry-After"]) > 0
    assert all_soon(durations), durations
    assert sum(durations) > 4, "past the deadline of statements, and of connecting"


@pytest.mark.parametrize("path", _DOCUMENTS)
async def test_K_3_a_database_that_is_slow_and_well_is_waited_for(
    fragile: Fragile, path: str
) -> None:
    """What answers, be it late, is not silent: longer than a public document may wait for that."""
    fragile.postgres.delay = 0.15
    for _ in range(5):  # now and then a machine with others to serve keeps it silent
        async with stopwatch() as seconds:
            answer = await fragile.http.get(path)
            took = seconds()
        if answer.status_code == 200:
            break
    assert answer.status_code == 200
    assert took > 0.5 or "jwks" in path


async def test_a_client_is_asked_to_come_again(fragile: Fragile) -> None:
    assert (await fragile.http.post("/acme/token", data=CREDENTIALS)).status_code == 200
    fragile.postgres.silence()
    async with stopwatch() as seconds:
        answer = await fragile.http.post("/acme/token", data=CREDENTIALS)
        assert seconds() < 5
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "SQL" not in answer.text


async def test_a_person_is_asked_to_come_again(fragile: Fragile) -> None:
    fragile.redis.silence()
    cookie = {"Cookie": "browser_acme=" + "a" * 86}
    answer = await fragile.http.get("/interaction/" + "a" * 43, headers=cookie)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_it_recovers_by_itself(fragile: Fragile) -> None:
    fragile.postgres.silence()
    await fragile.http.post("/acme/token", data=CREDENTIALS)
    fragile.postgres.restore()

    async def recovered() -> bool:
        return (await fragile.http.post("/acme/token", data=CREDENTIALS)).status_code == 200

    await eventually(recovered)
