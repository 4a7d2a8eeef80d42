"""A bounded map of configuration that is asked for on every request.

An entry is fresh for `max_age` seconds and falls at once when its row changes. Callers who arrive
during a read share it. When a read fails, the last value serves for `stale_for` seconds, so that
public documents can be answered while the database is away; whatever grants something writes to the
database, and fails there.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable
from contextvars import Context
from typing import Generic, TypeVar

from storage.errors import StorageError

_LOG = logging.getLogger(__name__)
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_IMPATIENCE = 0.1  # seconds a caller waits for a refresh while an older value could serve
_RESIGNATION = 1.0  # seconds that nobody waits, after one did so in vain


class ConfigCache(Generic[K, V]):
    """Values of `load`, by key. All times are seconds of `clock`, which never goes back."""

    def __init__(
        self,
        load: Callable[[K], Awaitable[V]],
        *,
        max_age: Callable[[], float],
        clock: Callable[[], float],
        limit: int = 10_000,
        stale_for: float = 600.0,
    ) -> None:
        self._load = load
        self._max_age = max_age
        self._clock = clock
        self._limit = limit
        self._stale_for = stale_for
        self._entries: dict[K, tuple[float, V]] = {}
        self._absent: dict[K, tuple[float, V]] = {}
        self._flights: dict[K, asyncio.Task[V]] = {}
        self._resigned_until = 0.0
        self._expired_at = float("-inf")

    def peek(self, key: K) -> V | None:
        """Return the fresh value of `key` without waiting, or None."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and self._is_fresh(entry[0]) else None

    async def get(self, key: K) -> V:
        """Return the value of `key`; raises what `load` raises when nothing can serve."""
        entry = self._entries.get(key) or self._absent.get(key)
        if entry is not None and self._is_fresh(entry[0]):
            return entry[1]
        flight = self._flight(key)
        if entry is None or self._clock() - entry[0] > self._stale_for:
            return await asyncio.shield(flight)
        if self._clock() < self._resigned_until:
            return entry[1]
        try:
            return await asyncio.wait_for(asyncio.shield(flight), _IMPATIENCE)
        except (StorageError, TimeoutError) as error:
            self._resigned_until = self._clock() + _RESIGNATION
            # A time-out has no words of its own, and the snapshot no key.
            said = f"{type(error).__name__}: {error}".removesuffix(": ")
            _LOG.warning("config.stale", extra={"key": str(key) or "snapshot", "error": said})
            return entry[1]

    def drop(self, key: K) -> None:
        """Forget `key`, and any read of it that began before now."""
        self._entries.pop(key, None)
        self._absent.pop(key, None)
        self._flights.pop(key, None)

    def drop_where(self, matches: Callable[[K], bool]) -> None:
        """Forget every key that `matches`."""
        for known in (self._entries, self._absent, self._flights):
            for key in [key for key in known if matches(key)]:
                self.drop(key)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._absent.clear()
        self._flights.clear()

    def expire(self) -> None:
        """Read everything anew: changes may have been missed. What cannot be read may serve on."""
        self._expired_at = self._clock()
        self._flights.clear()

    def _is_fresh(self, read_at: float) -> bool:
        return read_at > self._expired_at and self._clock() - read_at < self._max_age()

    def _flight(self, key: K) -> asyncio.Task[V]:
        flight = self._flights.get(key)
        if flight is None:
            # In no request's context: others wait for it too, and its own may be over first.
            flight = asyncio.create_task(self._read(key), context=Context())
            self._flights[key] = flight
            flight.add_done_callback(lambda task: self._landed(key, task))
        return flight

    async def _read(self, key: K) -> V:
        return await self._load(key)

    def _landed(self, key: K, task: asyncio.Task[V]) -> None:
        current = self._flights.get(key) is task
        if current:
            del self._flights[key]
        if task.cancelled() or task.exception() is not None or not current:
            return  # a value that was read before a change is handed out, but not kept
        value = task.result()
        self._entries.pop(key, None)
        self._absent.pop(key, None)
        entries, limit = (
            (self._entries, self._limit) if value is not None else (self._absent, self._limit // 10)
        )
        while len(entries) >= limit:
            del entries[next(iter(entries))]
        # Jitter, so that what was read together is not refreshed together.
        read_at = self._clock() - random.uniform(0, 0.1) * self._max_age()  # noqa: S311
        entries[key] = (max(read_at, self._expired_at + 1e-6), value)
