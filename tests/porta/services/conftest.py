"""Storage on the database of the module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from storage.router import Storage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def storage(database_url: str) -> AsyncIterator[Storage]:
    opened = await Storage.open(database_url)
    yield opened.everywhere
    await opened.close()
