"""Configuration cache: a bounded map, single-flight, stale-while-revalidate, stale-if-error.

An entry is fresh for `max_age` seconds and falls at once when its row changes. Past half of that,
whoever asks for it is served, and it is read anew behind their backs, together with what else is
due: where thousands of tenants are asked for, no request reads again what it had. Callers who
arrive during a read share it. When a read fails, the last value serves for `stale_for` seconds, so
that public documents can be answered while the database is away; whatever grants something writes
to the database, and fails there.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from contextvars import Context
from functools import partial
from typing import Generic, TypeVar

from storage.errors import StorageError

_LOG = logging.getLogger(__name__)
_JITTER = random.SystemRandom()
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_REFRESH_WAIT = 0.1  # seconds a caller waits for a refresh while an older value could serve
_SKIP_REFRESH = 1.0  # seconds that nobody waits, after one did so in vain
_EARLY = 0.5  # of its life, after which an entry that is asked for is read anew
_GATHERING = 0.2  # seconds in which what is due comes together
_BATCH = 100  # of them are read at a time: what is read keeps the loop busy


class ConfigCache(Generic[K, V]):
    """What `load` returns, by key. All times are seconds of `clock`, which never goes back."""

    def __init__(
        self,
        load: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
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
        self._flights: dict[K, tuple[float, asyncio.Future[V]]] = {}
        self._due: dict[K, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._resigned_until = 0.0
        self._expired_at = float("-inf")

    def peek(self, key: K) -> V | None:
        """Return the fresh value of `key` without waiting, or None."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and self._serves(key, entry[0]) else None

    async def get(self, key: K) -> V:
        """Return the value of `key`; raises what `load` raises when nothing can serve."""
        entry = self._entries.get(key) or self._absent.get(key)
        if entry is not None and self._serves(key, entry[0]):
            return entry[1]
        flight = self._begin([key])[key]
        if entry is None or self._clock() - entry[0] > self._stale_for:
            return await asyncio.shield(flight)
        if self._clock() < self._resigned_until:
            return entry[1]
        try:
            return await asyncio.wait_for(asyncio.shield(flight), _REFRESH_WAIT)
        except (StorageError, TimeoutError) as error:
            self._resigned_until = self._clock() + _SKIP_REFRESH
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

    def _serves(self, key: K, read_at: float) -> bool:
        """Whether what was read then is fresh; when it soon is not, have it read anew."""
        age, most = self._clock() - read_at, self._max_age()
        if read_at <= self._expired_at or age >= most:
            return False
        if age > most * _EARLY and key not in self._due and key not in self._flights:
            if not self._due:
                self._run(self._refresh())
            self._due[key] = None
        return True

    async def _refresh(self) -> None:
        """Read what is due, a batch at a time, until nothing is."""
        await asyncio.sleep(_GATHERING)
        while self._due:
            keys = list(self._due)[:_BATCH]
            await asyncio.wait(self._begin(keys).values())
            for key in keys:
                self._due.pop(key, None)

    def _begin(self, keys: Sequence[K]) -> dict[K, asyncio.Future[V]]:
        """Begin to read `keys`, which others may wait for too, or take up what is being read."""
        loop, began = asyncio.get_running_loop(), self._clock()
        fresh = {key: loop.create_future() for key in keys if not self._is_read(key)}
        for key, flight in fresh.items():
            self._flights[key] = began, flight
            flight.add_done_callback(partial(self._landed, key, began))
        if fresh:
            self._run(self._read(fresh))
        return {key: self._flights[key][1] for key in keys}

    def _is_read(self, key: K) -> bool:
        """Whether it is being read, and was asked for so lately that the answer is fresh."""
        began, _ = self._flights.get(key, (float("-inf"), None))
        return self._clock() - began < self._max_age()

    def _run(self, work: Coroutine[object, object, None]) -> None:
        # In no request's context: others wait for it too, and its own may be over first.
        task = asyncio.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, flights: Mapping[K, asyncio.Future[V]]) -> None:
        try:
            found = await self._load(list(flights))
            for key, flight in flights.items():
                flight.set_result(found[key])
        except Exception as error:
            for flight in flights.values():
                if not flight.done():
                    flight.set_exception(error)
        finally:
            for flight in flights.values():
                flight.cancel()

    def _landed(self, key: K, began: float, flight: asyncio.Future[V]) -> None:
        current = self._flights.get(key) == (began, flight)
        if current:
            del self._flights[key]
        if flight.cancelled() or flight.exception() is not None or not current:
            return  # a value that was read before a change is handed out, but not kept
        value = flight.result()
        self._entries.pop(key, None)
        self._absent.pop(key, None)
        entries, limit = (
            (self._entries, self._limit) if value is not None else (self._absent, self._limit // 10)
        )
        while len(entries) >= limit:
            del entries[next(iter(entries))]
        # Jitter, so that what was read together is not refreshed together.
        read_at = began - _JITTER.uniform(0, 0.1) * self._max_age()
        entries[key] = (max(read_at, self._expired_at + 1e-6), value)
