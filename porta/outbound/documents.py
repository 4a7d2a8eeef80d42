"""JSON documents of others, read and kept for a while: one fetch at a time, and few of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from porta.outbound.http import Answer, NotSent, Outbound, Request

T = TypeVar("T")
Read = Callable[[Any], T]
"""Makes of a document what is kept of it; raises NotSent for what it is not."""

MAX_AGE = 600.0
"""Seconds for which a document is good."""
PAUSE = 30.0
"""Seconds between two fetches of one for the sake of what it did not say."""
_MOST = 500
_LONGEST = 65_536
"""Bytes of a document: more would be read for milliseconds, while everybody waits."""
_JSON = {"Accept": "application/json"}
_Key = tuple[str, Callable[[Any], Any]]
"""A URL, and what is made of what is there: whoever names it may name it as another thing too."""


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    at: float


class Documents:
    """What is fetched of others and changes rarely: discovery documents, and keys. What was read of
    one is kept, and nothing else of it.
    """

    def __init__(self, outbound: Outbound, clock: Callable[[], float] = time.monotonic) -> None:
        self._outbound = outbound
        self._clock = clock
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._fetching: dict[tuple[_Key, str, str], asyncio.Task[Any]] = {}

    async def get(
        self, url: str, read: Read[T], of: str = "", by: str = "", max_age: float = MAX_AGE
    ) -> T:
        """Return what `read` makes of the document at `url`, at most `max_age` seconds old, for an
        organization, and one of its connections. Raises NotSent.
        """
        key = (url, read)
        kept = self._kept.get(key)
        if kept is not None and self._clock() - kept.at < max_age:
            self._kept.move_to_end(key)
            return cast("T", kept.value)  # the key says what was read
        task = self._fetching.get((key, of, by))
        if task is None:
            task = asyncio.ensure_future(self._fetch(key, of, by))
            self._fetching[key, of, by] = task
            task.add_done_callback(lambda _: self._fetching.pop((key, of, by), None))
        # Whoever goes away takes it from nobody else who waits.
        return cast("T", await asyncio.shield(task))

    async def renew(self, url: str, read: Read[T], of: str = "", by: str = "") -> T:
        """Return it as it is now, unless it was fetched a moment ago: anyone can invent a kid."""
        return await self.get(url, read, of, by, PAUSE)

    async def _fetch(self, key: _Key, of: str, by: str) -> Any:
        url, read = key
        answer = await self._outbound.fetch(Request(url, headers=_JSON, of=of, by=by))
        if len(answer.body) > _LONGEST:
            raise NotSent("answered with too long a document")
        value = read(decode(answer))
        self._kept[key] = _Kept(value, self._clock())
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return value


def decode(answer: Answer) -> Any:
    """Return what a successful answer says as JSON. Raises NotSent for every other one."""
    if answer.status != 200:
        raise NotSent(f"answered with {answer.status}")
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise NotSent("answered with what is no JSON") from None
