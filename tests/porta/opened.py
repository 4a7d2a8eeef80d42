"""A runtime on real databases, furnished with organizations, clients and a person."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from porta.runtime import Runtime
from tests.handlers.house import furnish
from tests.served import settings_for


@asynccontextmanager
async def opened(
    database_url: str, redis_url: str | None, **settings: Any
) -> AsyncIterator[Runtime]:
    """Open and furnish a runtime that hears of changes."""
    runtime = await Runtime.open(settings_for(database_url, redis_url, **settings))
    try:
        await furnish(runtime)

        async def listens() -> bool:
            return runtime.storage.listening

        await eventually(listens, 5.0)
        yield runtime
    finally:
        await runtime.close()


async def eventually(check: Callable[[], Awaitable[object]], seconds: float = 1.0) -> None:
    """Wait until `check` holds."""
    deadline = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.01)
