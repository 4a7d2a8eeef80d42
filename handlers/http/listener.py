"""Listening sockets: bound at a host, and at rest while this process can open no more files."""

from __future__ import annotations

import errno
import logging
import socket
from time import monotonic
from typing import Any

from tornado.ioloop import IOLoop

_LOG = logging.getLogger(__name__)
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_REST = 0.1  # seconds
_TURN = 16  # connections that are taken in one turn of the loop, so that they are read before more
_BACKLOG = 1024
_ABSENT = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
_ALL_IPV4, _ALL_IPV6 = (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")  # noqa: S104
_EPISODE = 10.0  # seconds without such a fault, after which another is told anew


class Listener(socket.socket):
    """Accepts for Tornado.

    The loop tells of a connection that waits until somebody takes it. Where that cannot be done,
    it would do nothing but tell, and log each time that it was in vain.
    """

    def __init__(self, opened: socket.socket) -> None:
        super().__init__(fileno=opened.detach())
        self.setblocking(False)
        self._waking: object | None = None
        self._last_fault = float("-inf")
        self._taken = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """Return a connection and its address. Raises BlockingIOError where none is to be had."""
        if self._taken == _TURN:
            raise BlockingIOError(errno.EAGAIN, "enough for this turn")
        try:
            accepted = super().accept()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._rest(error)
            raise BlockingIOError(errno.EAGAIN, "no descriptor is free") from error
        if self._taken == 0:
            IOLoop.current().add_callback(self._next_turn)
        self._taken += 1
        return accepted

    def _next_turn(self) -> None:
        self._taken = 0

    def close(self) -> None:
        """Stop listening, at once and for good."""
        if self._waking is not None:
            IOLoop.current().remove_timeout(self._waking)
        super().close()

    def _rest(self, error: OSError) -> None:
        now = monotonic()
        if now - self._last_fault > _EPISODE:
            _LOG.warning("connections.no_descriptor", extra={"error": error.strerror})
        self._last_fault = now
        loop = IOLoop.current()
        loop.update_handler(self, 0)
        self._waking = loop.call_later(_REST, self._wake)

    def _wake(self) -> None:
        self._waking = None
        IOLoop.current().update_handler(self, IOLoop.READ)


def bind(host: str, port: int) -> list[Listener]:
    """Bind every address that `host` stands for and this machine has, all at one port.

    `::` is every address of either family, as elsewhere (K14). Raises OSError and UnicodeError.
    """
    places = _places(host, port)
    bound: list[Listener] = []
    missing: OSError | None = None
    try:
        for family, address in places:
            at = bound[0].getsockname()[1] if bound else port
            both = (family, address) == _ALL_IPV6 and _ALL_IPV4 not in places
            try:
                bound.append(Listener(_open(family, address, at, both=both)))
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                missing = error  # "localhost" is ::1 too, even where there is no IPv6
        if not bound:
            raise missing or OSError(errno.EADDRNOTAVAIL, "no address")
    except OSError:
        for server in bound:
            server.close()
        raise
    return bound


def _places(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((entry[0], str(entry[4][0])) for entry in found))


def _open(family: socket.AddressFamily, address: str, port: int, *, both: bool) -> socket.socket:
    if not both:
        return socket.create_server((address, port), family=family, backlog=_BACKLOG)
    try:
        return socket.create_server(
            (address, port), family=family, backlog=_BACKLOG, dualstack_ipv6=True
        )
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
    return socket.create_server((_ALL_IPV4[1], port), backlog=_BACKLOG)  # a kernel without IPv6
