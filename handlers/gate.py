"""The gate of the house: every message passes it before a handler is chosen."""

from __future__ import annotations

from collections.abc import Awaitable
from http import HTTPStatus
from sys import maxsize
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from handlers import framing
from handlers.application import Porta
from handlers.refusal import RefusalHandler
from handlers.streams import Phase, Stream


class Gate(HTTPServerConnectionDelegate):
    """Hands messages to the application: refused, or with their bytes untouched."""

    def __init__(self, application: Porta) -> None:
        self.application = application

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> _Message:
        return _Message(self.application, cast(HTTP1Connection, request_conn))


class _Message(HTTPMessageDelegate):
    """One request, while it arrives."""

    def __init__(self, application: Porta, connection: HTTP1Connection) -> None:
        self._application = application
        self._connection = connection
        self._stream = cast(Stream, connection.stream)
        self._request: framing.Request | None = None
        self._delegate: HTTPMessageDelegate | None = None
        self._left = framing.MAX_BODY

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)
        self._stream.enter(Phase.BODY)
        framing.check_framing(start_line, headers)
        self._request = framing.Request(self._connection, start_line, headers)
        refusal = framing.find_refusal(headers, self._stream.fields) or self._find_overload()
        if refusal is not None:
            self._refuse(refusal, headers)
            return None
        self._delegate = self._application.find_handler(self._request)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        if self._left < 0 or self._delegate is None:
            return None
        self._left -= len(chunk)
        if self._left < 0:  # a chunked body tells its length only as it comes
            self._delegate = self._refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        self._stream.enter(Phase.ANSWER)
        if self._delegate is not None:
            self._delegate.finish()

    def on_connection_close(self) -> None:
        if self._delegate is not None:
            self._delegate.on_connection_close()

    def _find_overload(self) -> HTTPStatus | None:
        life = self._application.life
        return HTTPStatus.SERVICE_UNAVAILABLE if life.in_flight >= life.max_in_flight else None

    def _refuse(self, status: HTTPStatus, headers: HTTPHeaders) -> None:
        delegate, self._left = self._refusal(status), -1
        if framing.declared_length(headers) > framing.MAX_DISCARDED:
            # Not worth reading: answer at once, and close when that is sent.
            self._connection.set_max_body_size(maxsize)
            delegate.finish()
        else:
            self._delegate = delegate

    def _refusal(self, status: HTTPStatus) -> HTTPMessageDelegate:
        assert self._request is not None
        return self._application.get_handler_delegate(
            self._request, RefusalHandler, {"status": status}
        )
