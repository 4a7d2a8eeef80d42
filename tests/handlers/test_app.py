"""The process: it starts, it serves, and it leaves when it is asked to (requirement K.8)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from porta.runtime import Runtime
from porta.settings import Settings

SERVE = "from handlers.app import run; from porta.settings import Settings; run(Settings())"


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
    while line := await asyncio.wait_for(process.stdout.readline(), 20):
        event: dict[str, Any] = json.loads(line)
        if event["msg"] == message:
            return event
    raise AssertionError(f"{message} was never logged")


async def _start(settings: Settings, **changes: str) -> tuple[Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        "-c",
        SERVE,
        stdout=PIPE,
        env=_environment(settings, **changes),
    )
    ready = await _until(process, "server.ready")
    return process, f"http://127.0.0.1:{ready['port']}"


@pytest_asyncio.fixture(loop_scope="session")
async def served(runtime: Runtime, settings: Settings) -> AsyncIterator[tuple[Process, str]]:
    process, url = await _start(settings, DRAIN_SECONDS="0.5")
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
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert process.stdout
    last = (await process.stdout.read()).splitlines()[-1]
    assert json.loads(last)["msg"] == "server.stopped"


async def test_a_request_is_a_line_without_its_secrets(served: tuple[Process, str]) -> None:
    process, url = served
    token, secret = "t" * 43, "very-secret-value"
    async with httpx.AsyncClient(base_url=url) as http:
        answer = await http.get(f"/interaction/{token}?code={secret}", headers={"Cookie": secret})
    line = await _until(process, "request")
    assert line.pop("duration") > 0
    assert {name: line[name] for name in ("requestId", "method", "path", "status", "level")} == {
        "requestId": answer.headers["X-Request-Id"],
        "method": "GET",
        "path": "/interaction/***",
        "status": 400,
        "level": 30,
    }
    assert token not in json.dumps(line)
    assert secret not in json.dumps(line)
