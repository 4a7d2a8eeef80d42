"""The pages as a process loads them, storage of one's own, a hasher that costs little."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from porta.rendering import Pages
from porta.security.passwords import Parameters, Passwords
from storage.router import Storage


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages.load()


@pytest_asyncio.fixture
async def fresh_storage(fresh_database_url: str) -> AsyncIterator[Storage]:
    """Storage on a database that nobody else has touched."""
    opened = await Storage.open(fresh_database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    hasher = Passwords(Parameters(memory_kib=8, passes=1, lanes=1))
    yield hasher
    hasher.close()
