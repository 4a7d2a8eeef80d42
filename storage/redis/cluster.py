"""A client of a Redis Cluster: each command to the node that serves the slot of its key."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextvars import Context
from typing import Any

from storage.errors import Refused, StorageError, Unreachable
from storage.redis.client import TRIAL, TRIAL_KEY, Call, Script
from storage.redis.connection import Command, Refusal, Word
from storage.redis.error_replies import code_of, failure_of
from storage.redis.lane import DEADLINE, Redis
from storage.redis.slots import Slots, read_slots, slot_of
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
        self._slots = Slots()
        self._nodes: dict[Place, Redis] = {}
        self._reading: asyncio.Task[None] | None = None
        self._retired: set[asyncio.Task[None]] = set()
        self._spent = 0
        """Round trips to nodes that are no more."""
        self._closed = False

    @classmethod
    async def open(
        cls, url: str, *, deadline: float = DEADLINE, patient: bool = False
    ) -> RedisCluster:
        """Connect to `redis[s]+cluster://[user:password@]host[:port],host[:port]`.

        `deadline` is in seconds, for dialling and for each answer. Raises as `Redis.open` does.
        """
        parsed = parse_redis_url(url)
        if parsed.topology is not Topology.CLUSTER:
            raise ValueError("this is not the URL of a cluster")
        cluster = cls(parsed, deadline)
        try:
            await cluster._read_slots()
        except Refused:
            raise
        except Unreachable:
            if not patient:
                raise
        return cluster

    @property
    def round_trips(self) -> int:
        """Messages sent since the start: each command is one."""
        return self._spent + sum(node.round_trips for node in self._nodes.values())

    async def command(self, *words: Word) -> Any:
        return _checked(await self._run(slot_of(words[1]), words))

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Those for one node leave in one write, as everything does that is sent at once."""
        work = (self.command(*words) for words in commands)
        replies = await asyncio.gather(*work, return_exceptions=True)
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
        return replies

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

    async def guarded(self, guard: Call, act: Call) -> tuple[Any, Any]:
        refusal = await self.script(*guard)
        return refusal, None if refusal else await self.script(*act)

    async def ping(self) -> None:
        """Ask every primary; raises Unreachable where one does not answer."""
        await self._table()
        await _all(node.ping() for node in list(self._nodes.values()))

    async def try_write(self) -> None:
        slots = await self._table()
        if not slots.whole:
            self._read_soon()
            raise Unreachable(f"{self.place} does not answer: some slots are nobody's")
        await _all(self.script(TRIAL, [key]) for key in slots.one_key_each(TRIAL_KEY))

    async def close(self) -> None:
        self._closed = True
        tasks = [*self._retired, *([self._reading] if self._reading else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        nodes, self._nodes = self._nodes, {}
        await asyncio.gather(*(node.close() for node in nodes.values()))

    async def _run(self, slot: int, command: Command) -> Any:
        """Return the reply of the node that serves `slot`, wherever that is by now."""
        place = await self._owner(slot)
        asking = False
        for _ in range(_MOST_HOPS):
            reply = await self._exchange(place, command, asking)
            code = code_of(reply) if isinstance(reply, Refusal) else ""
            if code in ("MOVED", "ASK"):
                place, asking = _redirected(place, reply), code == "ASK"
                if code == "MOVED":
                    self._slots.move(slot, place)
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
        try:
            return (await self._node(place).exchange(commands))[-1]
        except Unreachable:
            self._read_soon()
            raise

    def _node(self, place: Place) -> Redis:
        if self._closed:
            raise Unreachable("Redis: closed")
        node = self._nodes.get(place)
        if node is None:
            node = Redis.connecting(self._url.address(place), self._deadline)
            self._nodes[place] = node
        return node

    async def _owner(self, slot: int) -> Place:
        owner = (await self._table()).owner(slot)
        if owner is None:
            self._read_soon()
            raise Unreachable(f"{self.place} does not answer: no node serves this slot")
        return owner

    async def _table(self) -> Slots:
        """Return the table, read first where nobody ever could."""
        if self._slots.places:
            return self._slots
        self._read_soon()
        assert self._reading is not None
        await asyncio.shield(self._reading)
        return self._slots

    def _read_soon(self) -> None:
        if not self._closed and (self._reading is None or self._reading.done()):
            # In no request's context: it outlives the one that found the table wrong.
            self._reading = _in_background(self._read_slots())

    async def _read_slots(self) -> None:
        """Read the table; close what it names no longer. Raises Unreachable where none can tell."""
        known = {*self._url.places, *self._slots.places}
        self._slots = await read_slots(map(self._url.address, known), self._deadline, self.place)
        for place in self._nodes.keys() - self._slots.places:
            node = self._nodes.pop(place)
            self._spent += node.round_trips
            task = _in_background(_retire(node))
            self._retired.add(task)
            task.add_done_callback(self._retired.discard)


def _checked(reply: Any) -> Any:
    if isinstance(reply, Refusal):
        raise failure_of(reply)
    return reply


def _redirected(asked: Place, reply: Refusal) -> Place:
    """Return the place of `MOVED 3999 host:port`; without a host it is the one that was asked."""
    host, _, port = str(reply).split(" ")[2].rpartition(":")
    return host or asked[0], int(port)


def _in_background(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.get_running_loop().create_task(work, context=Context())
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # Marks it as seen.
    return task


async def _retire(node: Redis) -> None:
    try:
        await asyncio.sleep(_RETIREMENT)
    finally:
        await node.close()


async def _all(work: Any) -> None:
    """Await all of it, then raise the first failure."""
    for answer in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(answer, BaseException):
            raise answer
