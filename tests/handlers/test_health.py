"""Health, and what still answers while a database does not (security requirement K.3)."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

import httpx
import pytest
import pytest_asyncio

from handlers import app
from porta.runtime import Runtime
from porta.settings import Settings
from tests.handlers.house import SECRET, furnish
from tests.handlers.relay import Relay, relay
from tests.waiting import all_soon, eventually, stopwatch

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
        async with httpx.AsyncClient(base_url=base_url, timeout=10) as http:
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


@pytest.mark.parametrize(
    "forwarding",
    ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"],
)
async def test_a_stranger_learns_no_more_than_the_status(fragile: Fragile, forwarding: str) -> None:
    """Requirement I.7. What a proxy on this machine hands on comes from the loopback too."""
    stranger = {forwarding: "127.0.0.1"}
    for path, words in (("/health", ("healthy", "unhealthy")), ("/ready", ("ready", "not_ready"))):
        answer = await fragile.http.get(path, headers=stranger)
        assert (answer.status_code, answer.json()) == (200, {"status": words[0]})
    fragile.redis.silence()
    for path, words in (("/health", ("healthy", "unhealthy")), ("/ready", ("ready", "not_ready"))):
        answer = await fragile.http.get(path, headers=stranger)
        assert (answer.status_code, answer.json()) == (503, {"status": words[1]})


async def test_the_command_line_on_this_machine_sees_it_all(fragile: Fragile) -> None:
    words = ("-m", "porta", "health", "--json", "--url", str(fragile.http.base_url))
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=PIPE)
    told, _ = await process.communicate()
    assert json.loads(told) == {"server": "ok", "database": "ok", "redis": "ok"}


async def test_many_who_ask_at_once_are_one_question(fragile: Fragile) -> None:
    storage = fragile.runtime.storage
    await fragile.http.get("/ready")  # reads the configuration
    await asyncio.gather(*(storage.ping_postgres() for _ in range(30)))  # fills the pool
    fragile.postgres.silence()
    before = storage.round_trips.postgres
    paths = ["/ready", "/health"] * 15
    answers = await asyncio.gather(*(fragile.http.get(path) for path in paths))
    assert {answer.status_code for answer in answers} == {503}
    assert storage.round_trips.postgres - before <= 2, "the beat of the listener may be one"


@pytest.mark.parametrize("lost", ["database", "redis"])
async def test_a_silent_database_is_told_within_its_limit(fragile: Fragile, lost: str) -> None:
    (fragile.postgres if lost == "database" else fragile.redis).silence()
    async with stopwatch() as seconds:
        asked = asyncio.create_task(fragile.http.get("/ready"))
        health = await fragile.http.get("/health")
        assert seconds() < 3
    ready = await asked
    assert health.status_code == ready.status_code == 503
    assert health.json()["status"] == "unhealthy"
    checks = health.json()["checks"]
    assert checks == {"server": "ok", "database": "ok", "redis": "ok"} | {lost: "error"}
    assert ready.json()["status"] == "not_ready"


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
