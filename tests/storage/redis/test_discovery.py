"""What discovery leaves behind on the servers it asked, whenever its caller stops waiting."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest

from storage.redis.discovery import Nodes, locate_primary
from storage.redis.urls import RedisUrl, parse_redis_url

Ask = Callable[[RedisUrl], Awaitable[object]]


async def _locate(url: RedisUrl) -> object:
    return await locate_primary(url, 5)


async def _read(url: RedisUrl) -> object:
    return await Nodes.read(url, url.places, 5)


@pytest.mark.parametrize(("ask", "topology"), [(_locate, "sentinel_url"), (_read, "cluster_url")])
async def test_who_stops_waiting_leaves_no_connection_open(
    ask: Ask, topology: str, request: pytest.FixtureRequest
) -> None:
    """At whatever step: a process whose Redis is being stopped cancels a discovery under way."""
    url = parse_redis_url(request.getfixturevalue(topology))
    steps = 1
    while await _cancelled_after(steps, asyncio.ensure_future(ask(url))):
        steps += 1
    gc.collect()  # What is still open warns, and a warning is an error.
    assert steps > 3


async def _cancelled_after(steps: int, asking: asyncio.Future[object]) -> bool:
    """Let the loop turn so often; return whether there was still something to cancel."""
    for _ in range(steps):
        await asyncio.sleep(0)
    asking.cancel()
    (answer,) = await asyncio.gather(asking, return_exceptions=True)
    return isinstance(answer, asyncio.CancelledError)
