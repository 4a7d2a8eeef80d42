"""A served installation with administrators."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from handlers.http.server import Server
from porta.config.settings import Settings
from porta.runtime import Runtime
from tests.world.administrators import Installation, installed

ORIGIN = "https://gui.example"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Those of every handler, and an origin whose pages may read."""
    return settings.model_copy(update={"admin_cors_origins": (ORIGIN,)})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(runtime: Runtime, server: Server) -> AsyncIterator[Installation]:
    """Initialized, with limits that no test meets by chance."""
    for limit in ("rate_limit_admin_max", "rate_limit_admin_write_max"):
        await runtime.storage.everywhere.system_config.put(limit, 10**9, "number")
    url = f"http://127.0.0.1:{server.port}/api/admin"
    async with installed(runtime, url) as made:
        yield made


@pytest.fixture
def api(installation: Installation) -> httpx.AsyncClient:
    """The Admin API, as the super-admin asks it."""
    return installation.http
