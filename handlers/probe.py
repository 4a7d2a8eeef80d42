"""One look at the databases for everybody who asks at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextvars import Context

from porta.runtime import Runtime
from storage.errors import StorageError

_LIMIT = 2.0  # seconds that one check may take


class Probe:
    """Asks both databases, side by side; a crowd of callers takes one connection of each."""

    def __init__(self, runtime: Runtime) -> None:
        self._storage = runtime.storage
        self._look: asyncio.Task[tuple[bool, bool]] | None = None

    async def databases(self) -> tuple[bool, bool]:
        """Return whether PostgreSQL and Redis answered in time."""
        if self._look is None:
            # In no request's name: whoever asked first may leave.
            self._look = asyncio.create_task(self._ask(), context=Context())
        return await asyncio.shield(self._look)

    async def _ask(self) -> tuple[bool, bool]:
        try:
            database, redis = await asyncio.gather(
                answers(self._storage.ping_postgres()), answers(self._storage.ping_redis())
            )
        finally:
            self._look = None
        return database, redis


async def answers(check: Awaitable[object]) -> bool:
    """Whether `check` ends without a fault within its time."""
    try:
        await asyncio.wait_for(check, _LIMIT)
    except (StorageError, TimeoutError):
        return False
    return True
