"""Timeouts of a connection, which knows what it waits for, so that none is held for ever."""

from __future__ import annotations

from asyncio import Future
from contextlib import suppress
from enum import Enum, auto
from http import HTTPStatus
from socket import MSG_PEEK, socket
from time import monotonic
from types import TracebackType
from typing import Any

from tornado.httputil import HTTPInputError
from tornado.iostream import IOStream, UnsatisfiableReadError

from handlers.http.early_errors import EarlyErrors

_TORNADO_REFUSAL = b"HTTP/1.1 400 Bad Request\r\n\r\n"

ExcInfo = (
    bool
    | BaseException
    | tuple[type[BaseException] | None, BaseException | None, TracebackType | None]
    | None
)


class Phase(Enum):
    """What a connection waits for."""

    IDLE = auto()
    HEADER = auto()
    BODY = auto()
    ANSWER = auto()


PATIENCE = {Phase.IDLE: 75.0, Phase.HEADER: 10.0, Phase.BODY: 10.0, Phase.ANSWER: 60.0}
"""Seconds that a connection may stay in a phase; idle ones, longer than at a balancer (K13)."""


class Stream(IOStream):
    """An IOStream with its phase, and when that began (seconds of `monotonic`).

    `block` is the address block it is counted in, None for none.
    """

    def __init__(
        self, sock: socket, refusals: EarlyErrors, block: str | None, **kwargs: Any
    ) -> None:
        super().__init__(sock, **kwargs)
        self.block = block
        self.fields = 0
        """Lines in the header that was read last."""
        self.served = False
        """Whether a request has come through it."""
        self._refusals = refusals
        self._queue: dict[Stream, None] = {}
        self._idle = self._queue
        super().set_nodelay(True)
        self.enter(Phase.IDLE)

    def set_nodelay(self, value: bool) -> None:
        """As it is from the start: an answer is written whole, and waits for nothing."""

    def wait_in(self, fresh: dict[Stream, None], idle: dict[Stream, None]) -> None:
        """Stand in `fresh` until a request has come, and in `idle` between two of them."""
        self._queue.pop(self, None)
        self._queue, self._idle = idle if self.served else fresh, idle
        if self.phase is Phase.IDLE and not self.closed():
            self._queue[self] = None

    def enter(self, phase: Phase) -> None:
        self.phase = phase
        self.since = monotonic()
        self._queue.pop(self, None)
        if phase is Phase.IDLE:
            self._queue[self] = None
        elif phase is Phase.ANSWER:
            self.served, self._queue = True, self._idle

    def is_silent(self) -> bool:
        """Whether nothing has come that is still to be read: no request is lost by closing it."""
        try:
            return self.closed() or not self.socket.recv(1, MSG_PEEK)
        except OSError:  # BlockingIOError, where nothing waits
            return True

    def has_left(self) -> bool:
        """Whether the peer has closed its end: nobody is there to be answered."""
        try:
            return self.closed() or not self.socket.recv(1, MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close_with(self, answer: bytes) -> None:
        """Send a last answer, as far as it can be sent at once, and close."""
        with suppress(OSError):
            self.socket.send(answer)
        self.close()

    async def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> bytes:
        """Read a message's header; raises HTTPInputError when a line of it ends in a bare LF.

        RFC 9112 §2.2 lets a server accept those, but two servers that disagree about where a line
        ends disagree about where a message does.
        """
        self.enter(Phase.IDLE)
        header = await super().read_until_regex(regex, max_bytes)
        self.fields = header.count(b"\n") - 2
        if header.count(b"\r\n") != self.fields + 2:
            raise HTTPInputError("bare line feed in header")
        return header

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        size = super().read_from_fd(buf)
        if size and self.phase is Phase.IDLE:
            self.enter(Phase.HEADER)
        return size

    def write(self, data: bytes | memoryview) -> Future[None]:
        """Write; where Tornado refuses a message that it cannot read, our refusal."""
        if data == _TORNADO_REFUSAL:
            data = self._bad_request()
        return super().write(data)

    def close(self, exc_info: ExcInfo = False) -> None:
        """Close; a peer whose header or chunk was too long is told why first."""
        if isinstance(exc_info, UnsatisfiableReadError) and not self.closed():
            answer = self._too_large() if self.phase is Phase.HEADER else self._bad_request()
            with suppress(OSError):
                self.socket.send(answer)
        super().close(exc_info)

    def _bad_request(self) -> bytes:
        kind = "bad_framing" if self.phase is Phase.BODY else "malformed_header"
        return self._refusals.answer(HTTPStatus.BAD_REQUEST, kind)

    def _too_large(self) -> bytes:
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        return self._refusals.answer(status, "header_too_large")
