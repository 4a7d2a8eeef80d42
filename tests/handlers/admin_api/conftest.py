"""A served installation with administrators."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from handlers.http.server import Server
from porta.config.settings import Settings
from porta.runtime import Runtime
from tests.handlers.admin_api.installation import Installation, bearer, install

ORIGIN = "https://gui.example"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Those of every handler, and an origin whose pages may read."""
    return settings.model_copy(update={"admin_cors_origins": (ORIGIN,)})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(runtime: Runtime, server: Server) -> Installation:
    """Initialized, with limits that no test meets by chance."""
    del server
    for limit in ("rate_limit_admin_max", "rate_limit_admin_write_max"):
        await runtime.storage.system_config.put(limit, 10**9, "number")
    return await install(runtime)


@pytest_asyncio.fixture(loop_scope="session")
async def api(installation: Installation, server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """The Admin API, as the super-admin asks it."""
    base_url = f"http://127.0.0.1:{server.port}/api/admin"
    headers = bearer(await installation.token())
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=30) as client:
        yield client
