"""The interface of a client of Redis, whatever stands behind it, and the scripts it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

from storage.redis.connection import Command, Word


class Script:
    """A Lua script; Redis knows it by its SHA-1 once it has run.

    Whatever keys it touches are in KEYS: a cluster runs it where these live, and nowhere else.
    """

    __slots__ = ("sha", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


TRIAL = Script("return redis.call('SET', KEYS[1], '1', 'PX', 1000)")
"""A write by a script, of the kind that interactions, codes and counters need."""
TRIAL_KEY = "porta:trial"


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
        """Run one command on the key that follows its name.

        Bulk strings come as bytes, nil as None.
        """

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Run `commands` at once (no transaction); one reply each, in their order."""

    async def script(self, script: Script, keys: Sequence[Word], args: Sequence[Word] = ()) -> Any:
        """Run `script` atomically: one round trip, two when Redis has not seen it before.

        All `keys` are of one slot: they are one, or have the same word in braces.
        """

    async def ping(self) -> None:
        """Ask for a sign of life; raises Unreachable."""

    async def try_write(self) -> None:
        """Have each server that takes writes keep something for a second; raises StorageError."""

    async def close(self) -> None:
        """Close every connection; whatever still waits for an answer fails."""
