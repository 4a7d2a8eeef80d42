"""A served installation, and a client of its Admin API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from porta.admin_client import AdminClient, BearerToken
from tests.world.administrators import Installation, installed
from tests.world.served import serve


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(database_url: str, redis_url: str) -> AsyncIterator[Installation]:
    """Initialized, with limits that no test meets by chance."""
    async with serve(database_url, redis_url) as served:
        for limit in ("rate_limit_admin_max", "rate_limit_admin_write_max"):
            await served.runtime.storage.everywhere.system_config.put(limit, 10**9, "number")
        async with installed(served.runtime, f"{served.base_url}/api/admin") as made:
            yield made


@pytest_asyncio.fixture(loop_scope="session")
async def admin(installation: Installation) -> AsyncIterator[AdminClient]:
    """The client, as the super-admin uses it."""
    server = installation.runtime.settings.issuer_base_url
    async with AdminClient(server, BearerToken(await installation.token())) as client:
        yield client
