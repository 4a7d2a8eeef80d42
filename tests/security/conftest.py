"""The installation of the flows, attacked; and a server inside the test, with browsers at it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.flows.conftest import alice, installation
from tests.world.browser import Browser, a_browser
from tests.world.served import Served, serve
from tests.world.upstream import Provider, disconnect, provider

__all__ = ["alice", "installation"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    """Return a server that believes what its proxy, 127.0.0.1, says of addresses."""
    async with serve(database_url, redis_url, trusted_proxies="127.0.0.1") as running:
        yield running


@pytest_asyncio.fixture
async def browser(served: Served) -> AsyncIterator[Browser]:
    """Return a browser of Alice's, not yet signed in."""
    async with a_browser(served) as opened:
        yield opened


@pytest_asyncio.fixture
async def upstream(served: Served) -> AsyncIterator[Provider]:
    """Return another provider; what a test connects to goes with it."""
    async with provider() as opened:
        yield opened
    for slug in ("acme", "porta-admin"):
        await disconnect(served, slug)
