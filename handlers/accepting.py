"""A listening socket that rests while this process can open no more files."""

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

    def accept(self) -> tuple[socket.socket, Any]:
        """Return a connection and its address. Raises BlockingIOError where none is to be had."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._rest(error)
            raise BlockingIOError(errno.EAGAIN, "no descriptor is free") from error

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
