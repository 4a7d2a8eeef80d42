"""HTTP server: its connections, their limits, and how it drains."""

from __future__ import annotations

import asyncio
import errno
import socket
from sys import maxsize
from time import monotonic
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

from handlers.application import Porta
from handlers.http import framing
from handlers.http.connections import Connections, Limits
from handlers.http.delegate import ConnectionDelegate
from handlers.http.early_errors import EarlyErrors
from handlers.http.listener import bind
from handlers.http.timeouts import Phase, Stream

_CHUNK = 16 * 1024
_SWEEP = 1.0  # seconds between two looks at the clock: no timer a request
_SETTLE = 0.2  # seconds that a connection without a request is left alone while we close
_TICK = 0.05
_ANY = "use 0.0.0.0, 127.0.0.1, or :: for IPv4 and IPv6 alike"


class CannotListen(Exception):
    """The address cannot be served; the message says what to do."""


class _Http(HTTPServer):
    """Tornado's server, with connections that are counted and swept."""

    def initialize(self, application: Porta, limits: Limits) -> None:  # type: ignore[override]
        self._refusals = EarlyErrors(application)
        self.connections = Connections(limits, self._refusals)
        super().initialize(
            ConnectionDelegate(application, self.connections),
            xheaders=False,
            decompress_request=False,
            chunk_size=_CHUNK,
            max_header_size=framing.MAX_HEADER,
            max_body_size=maxsize,  # the delegate keeps count, and says what is wrong
            max_buffer_size=2 * framing.MAX_DISCARDED,
        )
        # The sweep holds these limits for all connections at once.
        self.conn_params.header_timeout = None
        self.conn_params.body_timeout = None

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        ours = Stream(
            stream.socket,
            self._refusals,
            self.connections.block_of(str(address[0])),
            max_buffer_size=self.max_buffer_size,
            read_chunk_size=self.read_chunk_size,
        )
        self.connections.add(ours)
        super().handle_stream(ours, address)

    def on_close(self, server_conn: Any) -> None:
        self.connections.forget(server_conn.stream)
        super().on_close(server_conn)


class Server:
    """A server that listens."""

    def __init__(self, application: Porta, http: _Http, port: int) -> None:
        self.application = application
        self.port = port
        self.connections = http.connections
        self._http = http
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self, *, drain: float = 0.0, limit: float = 10.0) -> None:
        """Go on serving for `drain` seconds while /ready says no; then finish what was begun.

        What has not ended `limit` seconds after that is cut off.
        """
        self.application.life.draining = True
        await asyncio.sleep(drain)
        self._http.stop()
        self.application.streams.end_all()
        deadline = monotonic() + limit
        while self.connections and monotonic() < deadline:
            await asyncio.sleep(_TICK)
            now = monotonic()
            for stream in tuple(self.connections):
                if stream.phase is Phase.IDLE and now - stream.since > _SETTLE:
                    stream.close()
        self._sweeper.cancel()
        await self._http.close_all_connections()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            self.connections.sweep(monotonic())
            self._tell()

    def _tell(self) -> None:
        """Tell the log of this second: anybody could make it more."""
        connections, life, log = self.connections, self.application.life, self.application.log
        idle, unfinished = connections.closed_idle, connections.closed_unfinished
        if idle or unfinished:
            log.warning("connections.full", closed_idle=idle, closed_unfinished=unfinished)
            connections.closed_idle = connections.closed_unfinished = 0
        if life.abandoned:
            log.info("requests.abandoned", count=life.abandoned)
            life.abandoned = 0


def listen(application: Porta, host: str, port: int, limits: Limits) -> Server:
    """Serve `application` at `host`; port 0 takes a free one. Raises CannotListen."""
    try:
        sockets = bind(host, port)
    except (OSError, UnicodeError) as error:
        raise CannotListen(_advice(error, host, port)) from error
    http = _Http(application, limits=limits)
    http.add_sockets(sockets)
    return Server(application, http, sockets[0].getsockname()[1])


def _advice(error: Exception, host: str, port: int) -> str:
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return f"HOST {host!r} is no address of this machine: {_ANY}"
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"port {port} is in use: stop what listens there, or set PORT to another"
        case errno.EACCES:
            return f"port {port} is for privileged programs: set PORT to 1024 or above"
        case errno.EADDRNOTAVAIL:
            return f"HOST {host!r} is no address of this machine: {_ANY}"
    return f"cannot listen at {host}:{port}: {error}"
