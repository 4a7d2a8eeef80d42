"""The listening server: its connections, their limits, and how it comes to rest."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import suppress
from http import HTTPStatus
from itertools import islice
from sys import maxsize
from time import monotonic
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

from handlers import framing
from handlers.accepting import Listener
from handlers.application import Porta
from handlers.bare_refusal import BareRefusals
from handlers.gate import Gate
from handlers.streams import Phase, Stream

_BACKLOG = 1024
_CHUNK = 16 * 1024
_CANDIDATES = 8  # idle connections that are looked at to make room for one
_SWEEP = 1.0  # seconds between two looks at the clock: no timer a request
_SETTLE = 0.2  # seconds that a connection without a request is left alone while we close
_TICK = 0.05
_ABSENT = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


class CannotListen(Exception):
    """The address cannot be served; the message says what to do."""


class _Http(HTTPServer):
    """Tornado's server, with connections that are counted and swept."""

    def initialize(self, application: Porta, max_connections: int) -> None:  # type: ignore[override]
        self.streams: set[Stream] = set()
        self.closed_for_room = 0
        self._idle: dict[Stream, None] = {}
        self._max_connections = max_connections
        self._refusals = BareRefusals(application)
        super().initialize(
            Gate(application),
            xheaders=False,
            decompress_request=False,
            chunk_size=_CHUNK,
            max_header_size=framing.MAX_HEADER,
            max_body_size=maxsize,  # the gate keeps count, and says what is wrong
            max_buffer_size=2 * framing.MAX_DISCARDED,
        )
        # The sweep holds these limits for all connections at once.
        self.conn_params.header_timeout = None
        self.conn_params.body_timeout = None

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        if len(self.streams) >= self._max_connections and not self._make_room():
            answer = self._refusals.answer(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_connections")
            with suppress(OSError):
                stream.socket.send(answer)
            stream.close()
            return
        ours = Stream(
            stream.socket,
            self._refusals,
            self._idle,
            max_buffer_size=self.max_buffer_size,
            read_chunk_size=self.read_chunk_size,
        )
        self.streams.add(ours)
        super().handle_stream(ours, address)

    def on_close(self, server_conn: Any) -> None:
        self._forget(server_conn.stream)
        super().on_close(server_conn)

    def _make_room(self) -> bool:
        """Close whoever has been idle for longest, so that idling keeps nobody out (RFC 9112 §9.5).

        False where none of the first few may be closed: too many are in the middle of something.
        """
        for stream in islice(self._idle, _CANDIDATES):
            if stream.is_silent():
                stream.close()
                self._forget(stream)
                self.closed_for_room += 1
                return True
        return False

    def _forget(self, stream: Stream) -> None:
        self.streams.discard(stream)
        self._idle.pop(stream, None)


class Server:
    """A server that listens."""

    def __init__(self, application: Porta, http: _Http, port: int) -> None:
        self.application = application
        self.port = port
        self._http = http
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self, *, drain: float = 0.0, limit: float = 10.0) -> None:
        """Go on serving for `drain` seconds while /ready says no; then finish what was begun.

        What has not ended `limit` seconds after that is cut off.
        """
        self.application.life.draining = True
        await asyncio.sleep(drain)
        self._http.stop()
        deadline = monotonic() + limit
        while self._http.streams and monotonic() < deadline:
            await asyncio.sleep(_TICK)
            now = monotonic()
            for stream in tuple(self._http.streams):
                if stream.phase is Phase.IDLE and now - stream.since > _SETTLE:
                    stream.close()
        self._sweeper.cancel()
        await self._http.close_all_connections()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            now = monotonic()
            for stream in tuple(self._http.streams):
                if stream.overdue(now):
                    stream.close()
            closed, self._http.closed_for_room = self._http.closed_for_room, 0
            if closed:
                self.application.log.warning("connections.full", closed_idle=closed)


def listen(application: Porta, host: str, port: int, max_connections: int) -> Server:
    """Serve `application` at `host`; port 0 takes a free one. Raises CannotListen."""
    try:
        sockets = _bind(host, port)
    except (OSError, UnicodeError) as error:
        raise CannotListen(_advice(error, host, port)) from error
    http = _Http(application, max_connections=max_connections)
    http.add_sockets(sockets)
    return Server(application, http, sockets[0].getsockname()[1])


def _bind(host: str, port: int) -> list[Listener]:
    """Bind every address that `host` stands for and this machine has, all at one port."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    places = dict.fromkeys((entry[0], entry[4]) for entry in found)
    bound: list[Listener] = []
    missing: OSError | None = None
    try:
        for family, address in places:
            at = bound[0].getsockname()[1] if bound else port
            try:
                opened = socket.create_server((address[0], at), family=family, backlog=_BACKLOG)
                bound.append(Listener(opened))
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


def _advice(error: Exception, host: str, port: int) -> str:
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return f"HOST {host!r} is no address of this machine: use 0.0.0.0, 127.0.0.1 or ::"
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"port {port} is in use: stop what listens there, or set PORT to another"
        case errno.EACCES:
            return f"port {port} is for privileged programs: set PORT to 1024 or above"
        case errno.EADDRNOTAVAIL:
            return f"HOST {host!r} is no address of this machine: use 0.0.0.0, 127.0.0.1 or ::"
    return f"cannot listen at {host}:{port}: {error}"
