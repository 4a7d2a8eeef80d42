"""The process: it starts, it serves, and it leaves when it is asked to (requirement K.8)."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import pytest_asyncio

from porta.config.settings import Settings
from porta.runtime import Runtime
from tests.world.waiting import eventually

SERVE = "from handlers.app import run; from porta.config.settings import Settings; run(Settings())"


def _environment(settings: Settings, **changes: str) -> dict[str, str]:
    return {
        **os.environ,
        "NODE_ENV": "production",
        "HOST": settings.host,
        "PORT": "0",
        "ISSUER_BASE_URL": settings.issuer_base_url,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url or "",
        "COOKIE_KEYS": ",".join(settings.cookie_keys),
        "SIGNING_KEY_ENCRYPTION_KEY": settings.signing_key_encryption_key,
        **changes,
    }


async def _until(process: Process, message: str) -> dict[str, Any]:
    assert process.stdout
    while line := await asyncio.wait_for(process.stdout.readline(), 60):
        event: dict[str, Any] = json.loads(line)
        if event["msg"] == message:
            return event
    raise AssertionError(f"{message} was never logged")


async def _start(settings: Settings, drain: str) -> tuple[Process, str]:
    process = await _begin(settings, DRAIN_SECONDS=drain)
    ready = await _until(process, "server.ready")
    return process, f"http://127.0.0.1:{ready['port']}"


async def _begin(
    settings: Settings, *, open_files: int = 0, max_open_files: int = 0, **changes: str
) -> Process:
    """Start a server, with a limit of open files (soft, and hard where it differs)."""

    def limit() -> None:
        if open_files:
            limits = (open_files, max_open_files or open_files)
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        "-c",
        SERVE,
        stdout=PIPE,
        preexec_fn=limit,
        env=_environment(settings, **changes),
    )


async def _kill(process: Process) -> bytes:
    """End it; return what it had logged."""
    process.kill()
    assert process.stdout
    logged = await process.stdout.read()
    await process.wait()
    return logged


@pytest_asyncio.fixture(loop_scope="session")
async def served(runtime: Runtime, settings: Settings) -> AsyncIterator[tuple[Process, str]]:
    process, url = await _start(settings, drain="3")
    yield process, url
    if process.returncode is None:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_on_until_the_balancer_has_noticed(
    served: tuple[Process, str], number: signal.Signals
) -> None:
    process, url = served
    async with httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/ready")).status_code == 200
        process.send_signal(number)
        await _until(process, "server.draining")
        ready = await http.get("/ready")
        assert (ready.status_code, ready.json()["checks"]["draining"]) == (503, True)
        assert (await http.get("/acme/jwks")).status_code == 200
    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert process.stdout
    last = (await process.stdout.read()).splitlines()[-1]
    assert json.loads(last)["msg"] == "server.stopped"


async def test_a_request_is_a_line_without_its_secrets(served: tuple[Process, str]) -> None:
    process, url = served
    token, secret = "t" * 43, "very-secret-value"
    async with httpx.AsyncClient(base_url=url) as http:
        answer = await http.get(f"/interaction/{token}?code={secret}", headers={"Cookie": secret})
    line = await _until(process, "request")
    assert line.pop("duration_ms") > 0
    assert {name: line[name] for name in ("requestId", "method", "url", "status", "level")} == {
        "requestId": answer.headers["X-Request-Id"],
        "method": "GET",
        "url": "/interaction/***",
        "status": 400,
        "level": 30,
    }
    assert token not in json.dumps(line)
    assert secret not in json.dumps(line)


async def test_a_method_that_is_refused_is_logged_under_its_request(
    served: tuple[Process, str],
) -> None:
    process, url = served
    async with httpx.AsyncClient(base_url=url) as http:
        answer = await http.request("X" * 5000, "/acme/token")
    line = await _until(process, "request")
    assert (line["requestId"], line["status"]) == (answer.headers["X-Request-Id"], 405)
    assert line["method"] == "X" * 20


async def test_it_tells_that_the_safety_rules_are_broken(settings: Settings) -> None:
    process = await _begin(settings, PORTA_SKIP_PROD_SAFETY="true", LOG_LEVEL="debug")
    line = await _until(process, "config.safety_skipped")
    assert (line["level"], line["event"]) == (50, "config.safety_skipped")
    assert "LOG_LEVEL: debug is not for production" in line["problems"]
    await _kill(process)


async def test_security_14_a_server_without_safety_rules_says_so(settings: Settings) -> None:
    process = await _begin(settings, NODE_ENV="development", HOST="")
    assert process.stdout
    said = ""
    while "server.development" not in said:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert line, said
        said += line.decode()
    assert re.search(r"server\.ready +host=127\.0\.0\.1 ", said)
    assert "no safety rule holds" in said
    await _kill(process)


async def test_few_descriptors_are_a_smaller_server(settings: Settings) -> None:
    """It refuses whom it cannot hold, and serves the others."""
    process = await _begin(settings, open_files=128)
    told = await _until(process, "connections.limited")
    assert (told["wanted"], told["max_connections"]) == (10_000, 128 - 96 - 10)
    ready = await _until(process, "server.ready")
    address = ("127.0.0.1", ready["port"])
    held = []
    for _ in range(200):
        held.append(last := socket.create_connection(address))
        with suppress(ConnectionError):
            last.sendall(b"GET / HT")
    assert (await asyncio.to_thread(last.recv, 65536)).startswith(b"HTTP/1.1 503 ")
    for connection in held:
        connection.close()
    async with httpx.AsyncClient() as http:

        async def recovered() -> bool:
            with suppress(httpx.TransportError):  # refused, and closed before all was read
                live = await http.get(f"http://127.0.0.1:{ready['port']}/live")
                return live.status_code == 200
            return False

        await eventually(recovered)
    rest = await _kill(process)
    assert len(rest.splitlines()) < 60, rest.decode()


async def test_the_limit_of_descriptors_is_raised(settings: Settings) -> None:
    process = await _begin(settings, open_files=300, max_open_files=1000)
    told = await _until(process, "connections.limited")
    assert told["max_connections"] == 1000 - 96 - 10
    await _kill(process)


async def test_succession_A2_a_value_of_1x_is_a_line_of_the_log(settings: Settings) -> None:
    process = await _begin(settings, TRUST_PROXY="true", METRICS_ENABLED="yes")
    said = [await _until(process, "config.inherited") for _ in range(2)]
    assert [line["setting"] for line in said] == ["METRICS_ENABLED", "TRUST_PROXY"]
    assert "TRUSTED_PROXIES" in said[1]["advice"]
    assert said[1]["level"] == 40
    await _kill(process)
