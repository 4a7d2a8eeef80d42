"""The interface of a client of Redis, whatever stands behind it, and the scripts it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

from storage.redis_wire import Command, Word


class Script:
    """A Lua script; Redis knows it by its SHA-1 once it has run.

    Whatever keys it touches are in KEYS, but for the record that an index leads to (`find_by`, of
    no kind as yet). Those of artifacts and the trial of a write have one key; those of counters
    have one for each thing counted, which a cluster would keep in several slots.
    """

    __slots__ = ("sha", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


class RedisClient(Protocol):
    """What stores and counters ask of Redis.

    Unreachable says that it does not answer, not in time, or not now; any other StorageError, that
    it refused what we should not have asked. A command is never repeated: it may have run.
    """

    @property
    def place(self) -> str:
        """Name for a person where it is: no user, no password."""

    @property
    def round_trips(self) -> int:
        """Messages sent since the start; a pipeline counts one, however many commands it holds."""

    async def command(self, *words: Word) -> Any:
        """Run one command; bulk strings come as bytes, nil as None."""

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Run `commands` in one round trip (not a transaction); one reply each, in their order."""

    async def script(self, script: Script, keys: Sequence[Word], args: Sequence[Word] = ()) -> Any:
        """Run `script` atomically: one round trip, two when Redis has not seen it before."""

    async def ping(self) -> None:
        """Ask for a sign of life; raises Unreachable."""

    async def close(self) -> None:
        """Close every connection; whatever still waits for an answer fails."""
