"""Connection admission: who gets a place, and who gives one up (RFC 9112 §9.5).

A connection has a place while there is one, for its address block and for all. One without may
still ask how this process is, and is told 503 otherwise: its request is read first, so that it is
never closed without a byte. There are few of those, and the oldest goes for the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from time import monotonic

from handlers.http.early_errors import EarlyErrors
from handlers.http.timeouts import PATIENCE, Phase, Stream
from porta.config.settings import Settings
from porta.limits.address_blocks import address_block
from porta.limits.proxies import Network, is_proxy

VISITORS = 32
"""Connections beyond the limit: for probes, and for being told that there is no place."""
_CANDIDATES = 8  # connections that are looked at to make room for one
_GRACE = 1.0  # seconds for a request that is on its way, before its connection may be closed
_SHARE, _FEW = 20, 100  # the part of all places that one block may take, and what it always may
_UNFINISHED = frozenset({Phase.HEADER, Phase.BODY})


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections there may be, from one address block and in all; seconds of idling."""

    connections: int
    per_block: int
    keep_alive: float = PATIENCE[Phase.IDLE]
    proxies: tuple[Network, ...] = ()
    """Whose connections are many people's."""


def limits_of(settings: Settings) -> Limits:
    """Return the limits that the settings ask for; by default a block has a small part of all."""
    most = settings.max_connections
    default = max(most // _SHARE, min(_FEW, most * 3 // 4), 1)
    return Limits(
        most,
        min(settings.max_connections_per_address or default, most),
        settings.keep_alive_seconds,
        settings.trusted_proxies,
    )


class Connections:
    """The open connections of a server."""

    def __init__(self, limits: Limits, refusals: EarlyErrors) -> None:
        self.limits = limits
        self.patience = PATIENCE | {Phase.IDLE: limits.keep_alive}
        self.closed_idle = 0
        self.closed_unfinished = 0
        self._refusals = refusals
        self._placed: set[Stream] = set()
        self._visitors: dict[Stream, None] = {}
        self._blocks: defaultdict[str, set[Stream]] = defaultdict(set)
        self._fresh: dict[Stream, None] = {}  # sent nothing yet; the oldest first
        self._idle: dict[Stream, None] = {}  # were served; who waits for longest first
        self.closable: list[tuple[Stream, float]] = []
        """Who is too slow with a message, and since when; closed from the end on."""

    def __len__(self) -> int:
        return len(self._placed) + len(self._visitors)

    def __iter__(self) -> Iterator[Stream]:
        yield from self._placed
        yield from self._visitors

    def block_of(self, address: str) -> str | None:
        """Return what connections from `address` are counted as; None where they are not."""
        return None if is_proxy(address, self.limits.proxies) else address_block(address)

    def add(self, stream: Stream) -> None:
        """Take a new connection in, with a place or without."""
        if self.claim(stream):
            return
        if len(self._visitors) >= VISITORS:
            waiting = (s for s in self._visitors if s.phase is not Phase.ANSWER)
            self.refuse(next(waiting, None) or next(iter(self._visitors)))
        self._visitors[stream] = None

    def claim(self, stream: Stream) -> bool:
        """Give `stream` a place, if there is one or somebody can give it up."""
        if stream in self._placed:
            return True
        if not (self._room_in(stream.block) and self._room()):
            return False
        self._visitors.pop(stream, None)
        self._placed.add(stream)
        if stream.block is not None:
            self._blocks[stream.block].add(stream)
        stream.wait_in(self._fresh, self._idle)
        return True

    def forget(self, stream: Stream) -> None:
        """Take out a connection that is closed."""
        self._visitors.pop(stream, None)
        self._placed.discard(stream)
        stream.wait_in({}, {})
        if stream.block is not None and stream.block in self._blocks:
            self._blocks[stream.block].discard(stream)
            if not self._blocks[stream.block]:
                del self._blocks[stream.block]

    def refuse(self, stream: Stream) -> None:
        """Close a connection, with a last word to whom none was said on it."""
        if stream.phase is Phase.IDLE and stream.served:
            stream.close()
        else:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            stream.close_with(self._refusals.answer(status, "too_many_connections"))
        self.forget(stream)

    def sweep(self, now: float) -> None:
        """Close whoever had all the time it gets; note who may be closed until the next sweep."""
        for stream in tuple(self):
            if now - stream.since > self.patience[stream.phase]:
                stream.close()
        for stream in tuple(self._visitors):
            if _may_close(stream, now):
                self.refuse(stream)
        crowded = len(self._placed) * 4 >= self.limits.connections * 3
        self.closable = _closing_order(self._placed, now) if crowded else []

    def _room_in(self, block: str | None) -> bool:
        held = self._blocks.get(block, ()) if block is not None else ()
        if len(held) < self.limits.per_block:
            return True
        now = monotonic()
        ready = (s for s in held if _may_close(s, now))
        return self._close_one(sorted(ready, key=lambda s: (s.phase is not Phase.IDLE, s.since)))

    def _room(self) -> bool:
        """Whether there is a place: somebody idles, else the block that has most is too slow."""
        if len(self._placed) < self.limits.connections:
            return True
        now = monotonic()
        queues = [queue for queue in (self._fresh, self._idle) if queue]
        for queue in sorted(queues, key=lambda queue: next(iter(queue)).since):
            if self._close_one(s for s in islice(queue, _CANDIDATES) if _may_close(s, now)):
                return True
        while self.closable:
            stream, since = self.closable.pop()
            if stream.since == since and stream in self._placed:  # still in the same phase
                return self._close_one((stream,))
        return False

    def _close_one(self, streams: Iterable[Stream]) -> bool:
        for stream in islice(streams, _CANDIDATES):
            if stream.phase in _UNFINISHED:
                self.closed_unfinished += 1
                self.refuse(stream)
                return True
            if stream.is_silent():
                self.closed_idle += 1
                stream.close()
                self.forget(stream)
                return True
        return False


def _may_close(stream: Stream, now: float) -> bool:
    """Whether no request is lost that may be on its way (faults F5)."""
    if stream.phase is Phase.ANSWER:
        return False
    return (stream.phase is Phase.IDLE and stream.served) or now - stream.since >= _GRACE


def _closing_order(streams: Iterable[Stream], now: float) -> list[tuple[Stream, float]]:
    """Return who is slow to send a message, to be closed from the end on.

    That is the oldest of the block that has most of them, and then of the one that has most.
    """
    blocks: dict[object, list[Stream]] = defaultdict(list)
    for stream in streams:
        if stream.phase in _UNFINISHED and _may_close(stream, now):
            blocks[stream.block or stream].append(stream)  # those of a proxy are not one's own
    ranked: list[tuple[int, Stream]] = []
    for slow in blocks.values():
        slow.sort(key=lambda stream: stream.since, reverse=True)
        ranked += enumerate(slow)
    ranked.sort(key=lambda entry: entry[0])
    return [(stream, stream.since) for _, stream in ranked]
