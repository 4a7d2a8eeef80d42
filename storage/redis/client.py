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


def guarded_call(guard: Call, act: Call) -> Call:
    """Return the call of both as one: {what `guard` returned, what `act` returned or nil}."""
    counts = (len(guard.keys), len(guard.args))
    script = _guarded(guard.script, act.script)
    return Call(script, (*guard.keys, *act.keys), (*counts, *guard.args, *act.args))


@cache
def _guarded(guard: Script, act: Script) -> Script:
    return Script(f"""
local function guard(KEYS, ARGV)
{guard.source}
end
local function act(KEYS, ARGV)
{act.source}
end
local keys, args = tonumber(ARGV[1]), tonumber(ARGV[2])
local refusal = guard({{unpack(KEYS, 1, keys)}}, {{unpack(ARGV, 3, args + 2)}})
if next(refusal) then return {{refusal, false}} end
return {{refusal, act({{unpack(KEYS, keys + 1)}}, {{unpack(ARGV, args + 3)}})}}
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

    async def guarded(self, guard: Call, act: Call) -> tuple[Any, Any]:
        """Run `guard`, which returns a table, and `act` only where that is empty: both replies.

        One server does both atomically, in one round trip. In a cluster, whose slots have masters
        of their own, `act` is sent when `guard` has answered.
        """

    async def ping(self) -> None:
        """Ask for a sign of life; raises Unreachable."""

    async def try_write(self) -> None:
        """Have each server that takes writes keep something for a second; raises StorageError."""

    async def close(self) -> None:
        """Close every connection; whatever still waits for an answer fails."""
