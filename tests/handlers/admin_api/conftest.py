"""A served installation with administrators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from handlers.http.server import Server
from porta.config.settings import Settings
from porta.runtime import Runtime
from tests.handlers.admin_api.examples_of_domains import NAMES
from tests.world.administrators import Installation, installed
from tests.world.name_server import name_server

ORIGIN = "https://gui.example"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Iterator[Settings]:
    """Those of every handler, an origin whose pages may read, and a name server."""
    with name_server() as names:
        NAMES.append(names)
        more = {"admin_cors_origins": (ORIGIN,), "dns_resolvers": (names.address,)}
        yield settings.model_copy(update=more)


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
