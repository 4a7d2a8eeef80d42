"""Store probe: one look at the databases, a write tried of each, for all who ask in a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextvars import Context
from dataclasses import dataclass
from enum import Enum

from porta.runtime import Runtime
from storage.errors import StorageError

_LIMIT = 2.0
"""Seconds that one check may take."""
_FRESH = 1.0
"""Seconds that a look is good for: no crowd of callers can have more written."""


class StoreState(Enum):
    """How a database is, in the words of /health."""

    OK = "ok"
    ABSENT = "not configured"
    DEGRADED = "degraded"
    """It does not serve, and everything goes on without it."""
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class StoreFinding:
    """What was found of one database; `since` is in seconds since the epoch."""

    state: StoreState
    reason: str | None = None
    since: float | None = None

    @property
    def serves(self) -> bool:
        """Whether people can sign in as far as this database goes."""
        return self.state is not StoreState.ERROR


@dataclass(frozen=True, slots=True)
class Look:
    """Both databases at one moment."""

    database: StoreFinding
    redis: StoreFinding

    @property
    def degraded(self) -> bool:
        return self.redis.state is StoreState.DEGRADED


class Probe:
    """Tries of both databases, side by side, what a sign-in needs of them."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._storage = runtime.storage
        self._looking: asyncio.Task[Look] | None = None
        self._seen: Look | None = None
        self._seen_at = 0.0
        self._database_since: float | None = None

    async def look(self) -> Look:
        """Return how both databases are, as of a second ago at most."""
        if self._seen is not None and time.monotonic() - self._seen_at < _FRESH:
            return self._seen
        if self._looking is None:
            # In no request's name: whoever asked first may leave.
            self._looking = asyncio.create_task(self._ask(), context=Context())
        return await asyncio.shield(self._looking)

    async def _ask(self) -> Look:
        try:
            self._seen = Look(*await asyncio.gather(self._database(), self._redis()))
            self._seen_at = time.monotonic()
        finally:
            self._looking = None
        return self._seen

    async def _database(self) -> StoreFinding:
        problem = await problem_of(self._storage.trial.write())
        if problem is None:
            self._database_since = None
            return StoreFinding(StoreState.OK)
        if self._database_since is None:
            self._database_since = self._runtime.clock()
        return StoreFinding(StoreState.ERROR, problem, self._database_since)

    async def _redis(self) -> StoreFinding:
        if not self._storage.has_redis:
            return StoreFinding(StoreState.ABSENT)
        await problem_of(self._storage.try_redis())
        trouble = self._storage.redis_trouble
        if trouble is None:
            return StoreFinding(StoreState.OK)
        return StoreFinding(StoreState.DEGRADED, trouble.reason, trouble.since)


async def problem_of(check: Awaitable[object]) -> str | None:
    """Return why `check` failed, or that it took too long; None when it did not fail."""
    try:
        await asyncio.wait_for(check, _LIMIT)
    except TimeoutError:
        return f"no answer in {_LIMIT:.0f} seconds"
    except StorageError as error:
        return str(error)
    return None
