"""A new organization for every test."""

from __future__ import annotations

import pytest_asyncio

from storage.postgres.driver import Postgres
from tests.world.rows import World, build_world


@pytest_asyncio.fixture
async def world(pg: Postgres) -> World:
    return await build_world(pg)
