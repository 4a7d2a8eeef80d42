"""The slots of a Redis Cluster: which primary serves each, as the nodes tell it."""

from __future__ import annotations

import asyncio
import random
from binascii import crc_hqx
from collections.abc import Iterable
from itertools import count
from typing import Any

from storage.errors import Refused, Unreachable
from storage.redis.connect import dial
from storage.redis.connection import Address, Refusal, Wire, Word
from storage.redis.urls import Place

SLOTS = 16_384
_MOST_ASKED = 5
"""Nodes that are asked at once; the first that can tell is believed."""


def slot_of(key: Word) -> int:
    """Return the slot of a key: that of what stands in its first braces, or of the whole."""
    octets = key if isinstance(key, bytes) else str(key).encode()
    _, _, rest = octets.partition(b"{")
    tag, closed, _ = rest.partition(b"}")
    return crc_hqx(tag if closed and tag else octets, 0) % SLOTS


class Slots:
    """A table of primaries by slot."""

    def __init__(self) -> None:
        self._owners: list[Place | None] = [None] * SLOTS
        self.places: frozenset[Place] = frozenset()
        """Every primary that serves a slot."""

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int, Place]]) -> Slots:
        """Make a table of ranges: the first slot, the last, and who serves them."""
        slots = cls()
        for first, last, place in ranges:
            slots._owners[first : last + 1] = [place] * (last + 1 - first)
        slots.places = frozenset(place for place in slots._owners if place is not None)
        return slots

    @property
    def whole(self) -> bool:
        """Whether every slot is served."""
        return None not in self._owners

    def owner(self, slot: int) -> Place | None:
        return self._owners[slot]

    def move(self, slot: int, place: Place) -> None:
        """Note what a MOVED said."""
        self._owners[slot] = place
        self.places |= {place}

    def one_key_each(self, prefix: str) -> list[str]:
        """Return keys that begin with `prefix`, one for each primary."""
        keys: dict[Place | None, str] = {}
        wanted = {*self._owners}
        for number in count():
            key = f"{prefix}:{number}"
            keys.setdefault(self._owners[slot_of(key)], key)
            if len(keys) == len(wanted) or number > SLOTS:
                return list(keys.values())
        raise AssertionError


async def read_slots(nodes: Iterable[Address], deadline: float, place: str) -> Slots:
    """Ask some of `nodes` at once, within `deadline` seconds each; return what the first says.

    Raises Refused where nodes answer, and none of them takes us; Unreachable where none answers.
    """
    chosen = list(nodes)
    random.shuffle(chosen)
    asked = [asyncio.ensure_future(_ask(node, deadline)) for node in chosen[:_MOST_ASKED]]
    failures: list[Unreachable] = []
    try:
        for each in asyncio.as_completed(asked):
            try:
                return await each
            except Unreachable as failure:
                failures.append(failure)
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    refused = [failure for failure in failures if isinstance(failure, Refused)]
    if refused:
        raise refused[0]
    raise Unreachable(f"{place} does not answer: {'; '.join(map(str, failures))}")


async def _ask(node: Address, deadline: float) -> Slots:
    wire = await dial(node, deadline, _forget)
    try:
        (reply,) = await wire.send([("CLUSTER", "SLOTS")])
    finally:
        wire.abort("asked")
    if isinstance(reply, Refusal):
        raise Unreachable(f"{node.place} does not tell its slots")
    slots = Slots.of(_range(each, node.host) for each in reply)
    if not slots.places:
        raise Unreachable(f"{node.place} is of a cluster without slots")
    return slots


def _range(reply: Any, asked: str) -> tuple[int, int, Place]:
    """Read one range; a node that does not know its own name is where it was asked."""
    first, last, (host, port, *_), *_ = reply
    return first, last, ((host or b"").decode().strip("?") or asked, port)


def _forget(wire: Wire, reason: str) -> None:
    """Nobody waits for a connection that asked for the slots."""
