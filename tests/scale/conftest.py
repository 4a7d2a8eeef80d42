"""A served installation with a million people in ten thousand organizations."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from handlers import app
from porta.config.settings import Settings
from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.scale import seed
from tests.world.administrators import Installation, installed
from tests.world.served import settings_at

PEOPLE = int(os.environ.get("PORTA_SCALE_PEOPLE", "1000000"))


@pytest.fixture(scope="module")
def settings(database_url: str, redis_url: str) -> Settings:
    """Settings of a server with one connection, which therefore tells of all that is read."""
    return settings_at(database_url, redis_url, database_pool_size=1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(database_url: str, settings: Settings) -> AsyncIterator[Installation]:
    """Seeded by SQL, and asked over HTTP as its super-admin."""
    patient = await Postgres.open(database_url, 1, statement_timeout=0)
    await seed.fill(patient, PEOPLE)
    await patient.close()
    runtime = await Runtime.open(settings)
    for limit in ("rate_limit_admin_max", "rate_limit_admin_write_max"):
        await runtime.storage.everywhere.system_config.put(limit, 10**9, "number")
    server = await app.start(runtime, settings)
    try:
        async with installed(runtime, f"http://127.0.0.1:{server.port}/api/admin") as made:
            yield made
    finally:
        await server.stop()
        await runtime.close()
