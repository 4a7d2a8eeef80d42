"""Circuit breaker around a Redis client: it knows for a moment that Redis takes no writes."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Coroutine, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeVar

from storage.errors import StorageError, Unreachable
from storage.redis.client import Call, RedisClient, Script
from storage.redis.connection import Command, Word

_LOG = logging.getLogger(__name__)
_JITTER = random.SystemRandom()
_T = TypeVar("_T")
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two trials while it takes no writes: doubled from one to the other."""
_STEADY = 10.0
"""Seconds without a failure, after which pauses begin with the shortest again."""
_SETTLING = 2.0
"""Seconds that it has to take writes before anything is entrusted to it: what one instance makes
there, another has to find, which may connect anew a second later.
"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why Redis takes no writes, and since when (seconds since the epoch)."""

    reason: str
    since: float


class RedisBreaker:
    """A client of Redis that may be away.

    Every call goes through all the same, since what lives in Redis is nowhere else. Whoever has
    another place to go asks `takes_writes` first, so that not each request waits for the deadline.
    The first failure opens the breaker; writes that are answered for a while, tried in the
    background, close it.
    """

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._trouble: Trouble | None = None
        self._pause = _SHORTEST_PAUSE
        self._closed_at = 0.0
        self._trials: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def takes_writes(self) -> bool:
        return self._trouble is None

    @property
    def trouble(self) -> Trouble | None:
        """Why it takes no writes; None while it does."""
        return self._trouble

    @property
    def place(self) -> str:
        return self._client.place

    @property
    def round_trips(self) -> int:
        return self._client.round_trips

    def command(self, *words: Word) -> Coroutine[Any, Any, Any]:
        return self._watch(self._client.command(*words))

    def pipeline(self, commands: Sequence[Command]) -> Coroutine[Any, Any, list[Any]]:
        return self._watch(self._client.pipeline(commands))

    def script(
        self, script: Script, keys: Sequence[Word], args: Sequence[Word] = ()
    ) -> Coroutine[Any, Any, Any]:
        return self._watch(self._client.script(script, keys, args))

    def guarded_set(
        self, guard: Call, key: Word, value: Word, milliseconds: int
    ) -> Coroutine[Any, Any, Any]:
        return self._watch(self._client.guarded_set(guard, key, value, milliseconds))

    def ping(self) -> Coroutine[Any, Any, None]:
        return self._watch(self._client.ping())

    async def close(self) -> None:
        self._ended = True
        if self._trials is not None:
            self._trials.cancel()
            await asyncio.wait([self._trials])
        await self._client.close()

    async def try_write(self) -> None:
        """Write something that is gone in a second; a StorageError opens the breaker."""
        try:
            await self._client.try_write()
        except StorageError as failure:  # A server that refuses this is of no use, whatever it is.
            self._open(failure)
            raise

    async def _watch(self, work: Awaitable[_T]) -> _T:
        try:
            return await work
        except Unreachable as failure:
            self._open(failure)
            raise

    def _open(self, failure: StorageError) -> None:
        if self._trouble is None:
            self._trouble = Trouble(str(failure), time.time())
            _LOG.warning("redis.away", extra={"place": self.place, "reason": str(failure)})
            if time.monotonic() - self._closed_at > _STEADY:
                self._pause = _SHORTEST_PAUSE
        if not self._ended and (self._trials is None or self._trials.done()):
            # In no request's context: it outlives the one that met the failure.
            self._trials = asyncio.get_running_loop().create_task(self._try(), context=Context())

    def _close(self) -> None:
        assert self._trouble is not None
        away = round(time.time() - self._trouble.since, 1)
        self._trouble, self._closed_at = None, time.monotonic()
        _LOG.info("redis.back", extra={"place": self.place, "seconds": away})

    async def _try(self) -> None:
        settled_at: float | None = None
        while self._trouble is not None:
            await asyncio.sleep(self._pause * _JITTER.uniform(0.5, 1.0))
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            try:
                await self.try_write()
            except StorageError as failure:
                settled_at = None
                self._trouble = Trouble(str(failure), self._trouble.since)
                continue
            now = time.monotonic()
            settled_at = settled_at or now + _SETTLING
            self._pause = min(self._pause, max(settled_at - now, _SHORTEST_PAUSE))
            if now >= settled_at:
                self._close()
