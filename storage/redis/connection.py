"""One connection to Redis (RESP2): the commands of one loop turn share one write.

Answers come in the order of the commands, so a connection that owes an answer for longer than the
deadline, or that says what nobody asked, is closed with everything that waits on it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from hiredis import ProtocolError, Reader, ReplyError, pack_command

from storage.errors import Unreachable

Word = str | bytes | int | float
Command = tuple[Word, ...]
Refusal = ReplyError
"""What stands in the place of a reply when Redis refused the command."""

SILENT = "no answer in time"
"""Why a connection was given up, when it stayed open."""

_MORE = object()
_SECOND_LOOK = 0.05
"""Seconds. After a loop that stood still, answers may wait in the socket behind a timer."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where Redis is, and the commands every connection to it begins with."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    greeting: tuple[Command, ...] = field(repr=False)
    mode: str = "standalone"
    """What HELLO is to say of the server; or `cluster`."""
    primary: bool = False
    """Whether a replica is not what is looked for."""

    @property
    def place(self) -> str:
        """Name it for a person."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"Redis at {host}:{self.port}"


@dataclass(slots=True, eq=False)
class _Batch:
    size: int
    answer: asyncio.Future[list[Any]]
    deadline: float
    replies: list[Any] = field(default_factory=list)


class Wire(asyncio.Protocol):
    """A connection. `lost(wire, reason)` is called once, when it can no longer be used."""

    def __init__(self, seconds: float, lost: Callable[[Wire, str], None]) -> None:
        self.broken = False
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._lost = lost
        self._reader = Reader(notEnoughData=_MORE)
        self._pending: deque[_Batch] = deque()
        self._unsent: list[bytes] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._suspect: _Batch | None = None
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport

    @property
    def backlog(self) -> int:
        """How many batches wait for their answer."""
        return len(self._pending)

    def send(self, commands: Sequence[Command]) -> asyncio.Future[list[Any]]:
        """Write `commands` with whatever else this loop turn sends.

        The future holds one reply a command (bytes, int, None, list or Refusal), or Unreachable.
        """
        if self.broken:
            raise Unreachable("Redis: connection lost")
        # The stub of pack_command says "tuple of one word", which is not what it takes.
        packed = [pack_command(command) for command in commands]  # type: ignore[arg-type]
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent += packed
        batch = _Batch(len(packed), self._loop.create_future(), self._loop.time() + self._seconds)
        self._pending.append(batch)
        if self._sweep is None:
            self._sweep = self._loop.call_at(batch.deadline, self._check_deadline)
        return batch.answer

    def abort(self, reason: str) -> None:
        """Fail what waits, and close without another word."""
        if self.broken:
            return
        self._break(reason)
        self._transport.abort()
        self._lost(self, reason)

    async def close(self) -> None:
        """Fail what waits, and close; returns when the socket is gone."""
        if not self.broken:
            self._break("closed")
            self._transport.close()
        await asyncio.wait([self._gone], timeout=self._seconds)
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no asyncio class, so this cannot be asserted.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _MORE:
                self._take(reply)
        except ProtocolError:
            self.abort("unreadable answer")

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._gone.done():
            self._gone.set_result(None)
        self.abort("connection lost")

    def _flush(self) -> None:
        if not self.broken:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def _take(self, reply: Any) -> None:
        if not self._pending:
            self.abort("answer to no command")
            return
        batch = self._pending[0]
        batch.replies.append(reply)
        if len(batch.replies) == batch.size:
            self._pending.popleft()
            if not batch.answer.done():  # Its caller may have been cancelled.
                batch.answer.set_result(batch.replies)

    def _check_deadline(self) -> None:
        """Look at the oldest batch only: the deadline is the same for all, so it is due first."""
        self._sweep = None
        if not self._pending:
            return
        head = self._pending[0]
        if head is self._suspect:
            self.abort(SILENT)
        elif head.deadline > self._loop.time():
            self._sweep = self._loop.call_at(head.deadline, self._check_deadline)
        else:
            self._suspect = head
            self._sweep = self._loop.call_later(_SECOND_LOOK, self._check_deadline)

    def _break(self, reason: str) -> None:
        self.broken = True
        if self._sweep is not None:
            self._sweep.cancel()
        while self._pending:
            answer = self._pending.popleft().answer
            if not answer.done():
                answer.set_exception(Unreachable(f"Redis: {reason}"))
