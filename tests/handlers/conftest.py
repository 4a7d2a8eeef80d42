"""The real Application on real databases, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from handlers import app
from handlers.http.server import Server
from porta.config.settings import Settings
from porta.observability.log import request_log
from porta.runtime import Runtime
from tests.world.house import furnish
from tests.world.log import Log, logged
from tests.world.runtime import clock_ahead
from tests.world.served import settings_at


@pytest.fixture(scope="module")
def settings(database_url: str, redis_url: str) -> Settings:
    """Settings of an http issuer on a free port of the loopback."""
    return settings_at(database_url, redis_url, log_level="info")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """A furnished runtime."""
    opened = await Runtime.open(settings)
    await furnish(opened)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(runtime: Runtime, settings: Settings) -> AsyncIterator[Server]:
    """A server that listens where its issuer says."""
    started = await app.start(runtime, settings)
    yield started
    await started.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client that follows no redirect and keeps cookies as a browser does."""
    base_url = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=base_url, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere(http: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Another browser."""
    async with httpx.AsyncClient(base_url=http.base_url, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def developing(runtime: Runtime, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server in development."""
    assert runtime
    changed = settings.model_copy(update={"environment": "development", "port": 0})
    opened = await Runtime.open(changed)
    server = await app.start(opened, changed)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
        yield http
    await server.stop()
    await opened.close()


@pytest.fixture
def log(server: Server) -> Iterator[Log]:
    """What the server of this module writes during a test."""
    before = server.application.log
    with logged() as written:
        server.application.log = request_log()
        yield written
    server.application.log = before


@pytest.fixture
def later(runtime: Runtime) -> Iterator[list[float]]:
    """Seconds that have passed meanwhile."""
    with clock_ahead(runtime) as ahead:
        yield ahead
