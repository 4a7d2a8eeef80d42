"""A runtime on real databases, furnished with organizations, clients and a person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from porta.runtime import Runtime
from tests.world.house import furnish
from tests.world.served import settings_for
from tests.world.waiting import eventually


@asynccontextmanager
async def opened(
    database_url: str, redis_url: str | None, **settings: Any
) -> AsyncIterator[Runtime]:
    """Open and furnish a runtime that hears of changes."""
    runtime = await Runtime.open(settings_for(database_url, redis_url, **settings))
    try:
        await furnish(runtime)
        await until_listening(runtime)
        yield runtime
    finally:
        await runtime.close()


@contextmanager
def clock_ahead(runtime: Runtime) -> Iterator[list[float]]:
    """Yield the seconds that its clock is ahead, to be appended to."""
    clock, ahead = runtime.clock, [0.0]
    runtime.clock = lambda: clock() + sum(ahead)
    try:
        yield ahead
    finally:
        runtime.clock = clock


async def until_listening(runtime: Runtime) -> None:
    """Wait until `runtime` hears of changes, also after its listener was lost."""

    async def listens() -> bool:
        return runtime.storage.listening

    await eventually(listens)
