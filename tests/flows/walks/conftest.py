"""One world for all walks of a process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from storage.postgres.driver import Postgres
from tests.flows.walks.world import World, opened_world


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(database_url: str, redis_url: str, pg: Postgres) -> AsyncIterator[World]:
    async with opened_world(database_url, redis_url, pg) as opened:
        yield opened
