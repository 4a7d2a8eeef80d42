"""Circuit breaker: a destination that does not answer is left alone for a while.

In memory, and each process by itself: what it has to know is whether *it* gets an answer.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

THRESHOLD = 5
"""Failures, one after another, that open it."""
PAUSE = 30.0
"""Seconds for which it stays open; then one request at a time tries."""
MOST_AT_ONCE = 8
"""Requests under way to one destination."""
MOST_OF_ONE = 20
"""Requests under way at the wish of one organization, wherever they go."""
MOST_OF_ALL = 100
"""Requests under way to all of them."""
_REMEMBERED = 1000
"""Destinations; of more, those are forgotten that were asked longest ago."""


class LeftAlone(Exception):
    """Nothing is sent to this destination now; the message says why, for an operator."""


@dataclass(slots=True)
class _Destination:
    under_way: int = 0
    failures: int = 0
    open_until: float = 0.0


class Breakers:
    """One breaker for each destination of each connection, and how many requests are under way.

    What one organization names, and what it gets there, costs no other one anything; nor does what
    one connection gets cost others of its organization that are at the same host.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._destinations: OrderedDict[tuple[str, str, str], _Destination] = OrderedDict()
        self._under_way: Counter[str] = Counter()
        """By organization: those that have none are not in it."""

    @contextmanager
    def guard(
        self, name: str, counts: type[Exception], of: str = "", by: str = ""
    ) -> Iterator[None]:
        """Hold a place for one request to `name`; one that ends with `counts` has failed. `of` is
        the organization whose wish it is; empty for the operator's. `by` is its connection.

        Raises LeftAlone, at once, where there is no place, or the destination failed lately.
        """
        destination = self._find((of, by, name))
        self._enter(name, destination, of)
        try:
            yield
        except counts:
            self._fail(destination)
            raise
        else:
            destination.failures = 0
        finally:
            destination.under_way -= 1
            self._under_way[of] -= 1
            if not self._under_way[of]:
                del self._under_way[of]

    def is_open(self, name: str, of: str = "", by: str = "") -> bool:
        """Whether nothing is sent to this destination for the time being."""
        found = self._destinations.get((of, by, name))
        return found is not None and self._is_tried(found) is False

    def _enter(self, name: str, destination: _Destination, of: str) -> None:
        tried = self._is_tried(destination)
        if tried is False:
            raise LeftAlone(f"{name} failed {THRESHOLD} times; it is tried again in a while")
        most = 1 if tried else MOST_AT_ONCE
        full = destination.under_way >= most or self._under_way[of] >= MOST_OF_ONE
        if full or self._under_way.total() >= MOST_OF_ALL:
            raise LeftAlone(f"too many requests to {name} are under way")
        destination.under_way += 1
        self._under_way[of] += 1

    def _is_tried(self, destination: _Destination) -> bool | None:
        """Whether an open one is tried by a single request now; None for one that is closed."""
        if destination.failures < THRESHOLD:
            return None
        return self._clock() >= destination.open_until

    def _fail(self, destination: _Destination) -> None:
        destination.failures += 1
        if destination.failures >= THRESHOLD:
            destination.open_until = self._clock() + PAUSE

    def _find(self, key: tuple[str, str, str]) -> _Destination:
        found = self._destinations.setdefault(key, _Destination())
        self._destinations.move_to_end(key)
        if len(self._destinations) > _REMEMBERED:
            idle = next((n for n, each in self._destinations.items() if not each.under_way), None)
            if idle is not None:
                del self._destinations[idle]
        return found
