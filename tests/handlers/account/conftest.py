"""Somebody at their own account, in one browser and another, with mail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from porta.config.settings import Settings
from porta.runtime import Runtime
from storage.models.users import User
from tests.handlers.account.visits import FIREFOX
from tests.world.links import person


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Settings of an installation that sends mail."""
    return settings.model_copy(update={"smtp_host": "mail.example"})


@pytest_asyncio.fixture(loop_scope="session")
async def someone(runtime: Runtime) -> User:
    return await person(runtime)


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere(http: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Another browser."""
    headers = {"User-Agent": FIREFOX}
    async with httpx.AsyncClient(base_url=http.base_url, timeout=20, headers=headers) as client:
        yield client
