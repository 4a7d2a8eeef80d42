"""A server whose issuer has a name: browsers know no passkeys of addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from handlers.http.server import Server
from porta.config.settings import Settings
from tests.world.authenticators import Authenticator
from tests.world.served import settings_at


@pytest.fixture(scope="module")
def settings(database_url: str, redis_url: str) -> Settings:
    """Settings of an issuer with a name."""
    return settings_at(database_url, redis_url, "localhost", log_level="info")


@pytest_asyncio.fixture(loop_scope="session")
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    base_url = f"http://localhost:{server.port}"
    async with httpx.AsyncClient(base_url=base_url, timeout=20) as client:
        yield client


@pytest.fixture
def held(settings: Settings) -> Authenticator:
    """Return an authenticator for what is at that issuer."""
    return Authenticator(settings.issuer_base_url)
