"""Event streams of the Admin API, read as a client of theirs reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from handlers.http.server import Server
from tests.world.administrators import bearer
from tests.world.waiting import eventually

PATIENCE = 30.0


class Watched:
    """One stream that is being read."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def event(self) -> dict[str, Any] | None:
        """Return the next event by field, its data decoded; None at the end of the stream.

        What says where to go on, and no more, has no data.
        """
        found: dict[str, Any] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if line == "" and "data" in found:
                    return found | {"data": json.loads(found["data"])}
                if line == "" and "id" in found:
                    return found
                if line and not line.startswith(":"):
                    found[name] = value
        return None

    async def comment(self) -> None:
        """Wait for a heartbeat."""
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                if line.startswith(":"):
                    return
        raise AssertionError("the stream has ended")


@asynccontextmanager
async def watch(
    api: httpx.AsyncClient,
    path: str,
    token: str | None = None,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Watched]:
    """Open a stream, and yield it."""
    given = {**(headers or {}), **(bearer(token) if token else {})}
    async with api.stream("GET", path, params=params, headers=given) as answer:
        yield Watched(answer)


async def none_open(server: Server) -> None:
    """Wait until the server has let go of every stream, and of what each listened to."""

    async def ended() -> bool:
        return len(server.application.streams) == 0

    await eventually(ended)
