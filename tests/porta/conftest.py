"""The pages as a process loads and serves them, storage of one's own, a cheap hasher."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from porta.pages.render import Pages
from porta.security.passwords import Parameters, Passwords
from storage.router import Storage
from tests.flows.chromium import chromium
from tests.porta.pages.page_site import Site, serving


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages.load()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture
async def fresh_storage(fresh_database_url: str) -> AsyncIterator[Storage]:
    """Storage on a database that nobody else has touched."""
    opened = await Storage.open(fresh_database_url)
    yield opened.everywhere
    await opened.close()


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    hasher = Passwords(Parameters(memory_kib=8, passes=1, lanes=1))
    yield hasher
    hasher.close()
