"""Redis client interface, whatever topology stands behind it, and the Lua scripts it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

from storage.redis.connection import Command, Word


class Script:
    """A Lua script; Redis knows it by its SHA-1 once it has run.

    Whatever keys it touches are in KEYS: a cluster runs it where these live, and nowhere else.
    """

    __slots__ = ("sha", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


class Call(NamedTuple):
    """A script with what it is run on."""

    script: Script
    keys: Sequence[Word]
    args: Sequence[Word] = ()


def guarded_set(guard: Call, key: Word, value: Word, milliseconds: int) -> Call:
    """Return the call of `guard` and, where the table it returns is empty, of a SET."""
    return Call(_guarded(guard.script), (*guard.keys, key), (*guard.args, value, milliseconds))


@cache
def _guarded(guard: Script) -> Script:
    # What is the SET's is taken off the end, so that the rest is the guard's as it stands: copies
    # of both tables cost as much as the guard.
    return Script(f"""
local key, life, value = table.remove(KEYS), table.remove(ARGV), table.remove(ARGV)
local function guard()
{guard.source}
end
local refusal = guard()
if not next(refusal) then redis.call('SET', key, value, 'PX', life) end
return refusal
""")


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

    async def guarded_set(self, guard: Call, key: Word, value: Word, milliseconds: int) -> Any:
        """Run `guard`, which returns a table, and set `key` only where that is empty.

        Returns the table. One server does both atomically, in one round trip. In a cluster, whose
        slots have masters of their own, the SET is sent when `guard` has answered.
        """

    async def ping(self) -> None:
        """Ask for a sign of life; raises Unreachable."""

    async def try_write(self) -> None:
        """Have each server that takes writes keep something for a second; raises StorageError."""

    async def close(self) -> None:
        """Close every connection; whatever still waits for an answer fails."""
