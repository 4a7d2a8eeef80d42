"""JSON documents of others, kept for a while: one fetch at a time of each, and few of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from porta.outbound.http import Answer, NotSent, Outbound, Request

MAX_AGE = 600.0
"""Seconds for which a document is good."""
PAUSE = 30.0
"""Seconds between two fetches of one for the sake of what it did not say."""
_MOST = 500
_JSON = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    at: float


class Documents:
    """What is fetched of others and changes rarely: discovery documents, and keys."""

    def __init__(self, outbound: Outbound, clock: Callable[[], float] = time.monotonic) -> None:
        self._outbound = outbound
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[Any]] = {}

    async def get(self, url: str, max_age: float = MAX_AGE) -> Any:
        """Return the document at `url`, at most `max_age` seconds old. Raises NotSent."""
        kept = self._kept.get(url)
        if kept is not None and self._clock() - kept.at < max_age:
            self._kept.move_to_end(url)
            return kept.value
        task = self._fetching.get(url)
        if task is None:
            task = asyncio.ensure_future(self._fetch(url))
            self._fetching[url] = task
            task.add_done_callback(lambda _: self._fetching.pop(url, None))
        # Whoever goes away takes it from nobody else who waits.
        return await asyncio.shield(task)

    async def renew(self, url: str) -> Any:
        """Return it as it is now, unless it was fetched a moment ago: anyone can invent a kid."""
        return await self.get(url, PAUSE)

    async def _fetch(self, url: str) -> Any:
        value = decode(await self._outbound.fetch(Request(url, headers=_JSON)))
        self._kept[url] = _Kept(value, self._clock())
        self._kept.move_to_end(url)
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
