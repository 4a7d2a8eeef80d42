"""Redis Cluster client: each command to the node that serves the slot of its key."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Coroutine, Iterable, Sequence
from contextvars import Context
from typing import Any

from storage.errors import Refused, StorageError, Unreachable
from storage.redis.client import TRIAL, TRIAL_KEY, Call, Script
from storage.redis.connection import Command, Refusal, Word
from storage.redis.discovery import Nodes, slot_of
from storage.redis.error_replies import code_of, failure_of
from storage.redis.lane import DEADLINE, Redis
from storage.redis.urls import Place, RedisUrl, Topology, parse_redis_url

_MOST_HOPS = 16
"""Nodes one command is sent to before it is given up."""
_TRY_AGAIN = 0.02
"""Seconds before the second look at a slot whose keys are on the way."""
_RETIREMENT = 5.0
"""Seconds a connection is kept whose node serves no slot any more: some may wait on it."""


class RedisCluster:
    """A client of the primaries of one cluster, over one connection each.

    A node that says MOVED or ASK did not run the command: it goes on to where the node says. No
    command is sent again for another reason. The table of slots is read anew after each MOVED
    and whenever a node fails its callers, by one reader at a time.
    """

    def __init__(self, url: RedisUrl, deadline: float) -> None:
        self.place = url.place
        self._url = url
        self._deadline = deadline
        self._nodes: Nodes | None = None
        self._lanes: dict[Place, Redis] = {}
        self._reading: asyncio.Task[None] | None = None
        self._retired: set[asyncio.Task[None]] = set()
        self.round_trips = 0
        self._closed = False

    @classmethod
    async def open(
        cls, url: str, *, deadline: float = DEADLINE, patient: bool = False
    ) -> RedisCluster:
        """Connect to `redis[s]+cluster://[user:password@]host[:port],host[:port]`.

        `deadline` is in seconds, for connecting and for each answer. Raises as `Redis.open` does.
        """
        parsed = parse_redis_url(url)
        if parsed.topology is not Topology.CLUSTER:
            raise ValueError("this is not the URL of a cluster")
        cluster = cls(parsed, deadline)
        try:
            await cluster._read_nodes()
        except Unreachable as failure:
            if isinstance(failure, Refused) or not patient:
                raise
        return cluster

    async def command(self, *words: Word) -> Any:
        return _checked(await self._run(slot_of(words[1]), words))

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Those for one node leave in one write, as everything does that is sent at once."""
        return await _all(self.command(*words) for words in commands)

    async def script(self, script: Script, keys: Sequence[Word], args: Sequence[Word] = ()) -> Any:
        slots = {slot_of(key) for key in keys}
        if len(slots) != 1:
            raise StorageError("a script for a cluster has keys of one slot")
        (slot,) = slots
        words = (len(keys), *keys, *args)
        reply = await self._run(slot, ("EVALSHA", script.sha, *words))
        if isinstance(reply, Refusal) and code_of(reply) == "NOSCRIPT":
            reply = await self._run(slot, ("EVAL", script.source, *words))
        return _checked(reply)

    async def guarded_set(self, guard: Call, key: Word, value: Word, milliseconds: int) -> Any:
        refusal = await self.script(*guard)
        if not refusal:
            await self.command("SET", key, value, "PX", milliseconds)
        return refusal

    async def ping(self) -> None:
        """Ask every primary; raises Unreachable where one does not answer."""
        nodes = await self._table()
        await _all(self._lane(place).ping() for place in nodes.primaries)

    async def try_write(self) -> None:
        nodes = await self._table()
        if not nodes.whole:
            self._read_soon()
            raise Unreachable(f"{self.place} does not answer: some slots are nobody's")
        await _all(self.script(TRIAL, [key]) for key in nodes.one_key_each(TRIAL_KEY))

    async def close(self) -> None:
        self._closed = True
        tasks = [*self._retired, *([self._reading] if self._reading else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        lanes, self._lanes = self._lanes, {}
        await asyncio.gather(*(lane.close() for lane in lanes.values()))

    async def _run(self, slot: int, command: Command) -> Any:
        """Return the reply of the node that serves `slot`, wherever that is by now."""
        place, asking = self._owner(await self._table(), slot), False
        for _ in range(_MOST_HOPS):
            reply = await self._exchange(place, command, asking)
            code = code_of(reply) if isinstance(reply, Refusal) else ""
            if code in ("MOVED", "ASK"):
                nodes = await self._table()  # Perhaps it was read anew meanwhile.
                place, asking = await nodes.redirected(place, reply), code == "ASK"
                if code == "MOVED":
                    self._read_soon()
            elif code == "TRYAGAIN":
                await asyncio.sleep(_TRY_AGAIN)
            else:
                if code == "CLUSTERDOWN":
                    self._read_soon()
                return reply
        raise Unreachable(f"{self.place} does not answer: its nodes send on and on")

    async def _exchange(self, place: Place, command: Command, asking: bool) -> Any:
        # What follows ASKING on its connection is let in; so both are sent as one.
        commands = [("ASKING",), command] if asking else [command]
        self.round_trips += 1
        try:
            return (await self._lane(place).exchange(commands))[-1]
        except Unreachable:
            self._read_soon()
            raise

    def _lane(self, place: Place) -> Redis:
        if self._closed:
            raise Unreachable("Redis: closed")
        lane = self._lanes.get(place)
        if lane is None:
            lane = Redis.connecting(self._url.address(place), self._deadline)
            self._lanes[place] = lane
        return lane

    def _owner(self, nodes: Nodes, slot: int) -> Place:
        owner = nodes.owner(slot)
        if owner is None:
            self._read_soon()
            raise Unreachable(f"{self.place} does not answer: no node serves this slot")
        return owner

    async def _table(self) -> Nodes:
        """Return the table, read first where nobody ever could."""
        if self._nodes is None:
            self._read_soon()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._deadline):
                    await asyncio.shield(self._reading or asyncio.sleep(0))
        if self._nodes is None:
            raise Unreachable(f"{self.place} does not answer: no node tells its slots")
        return self._nodes

    def _read_soon(self) -> None:
        if not self._closed and (self._reading is None or self._reading.done()):
            # In no request's context: it outlives the one that found the table wrong.
            self._reading = _in_background(self._read_nodes())

    async def _read_nodes(self) -> None:
        """Read the table; close what it names no longer. Raises Unreachable where none can tell."""
        known = {*self._url.places, *(self._nodes.primaries if self._nodes else ())}
        self._nodes = await Nodes.read(self._url, known, self._deadline)
        for place in self._lanes.keys() - self._nodes.primaries:
            task = _in_background(_retire(self._lanes.pop(place)))
            self._retired.add(task)
            task.add_done_callback(self._retired.discard)


def _checked(reply: Any) -> Any:
    if isinstance(reply, Refusal):
        raise failure_of(reply)
    return reply


def _in_background(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.get_running_loop().create_task(work, context=Context())
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # Marks it as seen.
    return task


async def _retire(lane: Redis) -> None:
    try:
        await asyncio.sleep(_RETIREMENT)
    finally:
        await lane.close()


async def _all(work: Iterable[Awaitable[Any]]) -> list[Any]:
    """Await all of it, then raise the first failure."""
    answers = await asyncio.gather(*work, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers
