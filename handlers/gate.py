"""The gate of the house: every message passes it before a handler is chosen."""

from __future__ import annotations

from collections.abc import Awaitable
from http import HTTPStatus
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
from tornado.web import RequestHandler

from handlers import framing
from handlers.application import Porta
from handlers.base import PortaHandler
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
        self._request: framing.Request
        self._delegate: HTTPMessageDelegate | None = None
        self._refused: HTTPStatus | None = None  # with neither of both, it is answered already
        self._size = 0  # bytes of the body that came

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)
        self._request = framing.Request(self._connection, start_line, headers)
        self._stream.enter(Phase.BODY)
        framing.check_framing(start_line, headers)
        refusal = framing.find_refusal(headers, self._stream.fields)
        if refusal is None:
            delegate = self._application.find_handler(self._request)
            if not self._is_too_much(delegate.handler_class):
                self._delegate = delegate
                return delegate.headers_received(start_line, headers)
            refusal = HTTPStatus.SERVICE_UNAVAILABLE
        self._refuse(refusal, headers)
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._size += len(chunk)
        if self._delegate is not None:
            if self._size <= framing.MAX_BODY:
                return self._delegate.data_received(chunk)
            # A chunked body tells its length only as it comes.
            self._delegate, self._refused = None, HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if self._size > framing.MAX_DISCARDED:
            self._answer(closing=True)
        return None

    def finish(self) -> None:
        self._stream.enter(Phase.ANSWER)
        if self._delegate is not None:
            self._delegate.finish()
        else:
            self._answer(closing=False)

    def on_connection_close(self) -> None:
        if self._delegate is not None:
            self._delegate.on_connection_close()

    def _is_too_much(self, handler: type[RequestHandler]) -> bool:
        life = self._application.life
        if life.in_flight < life.max_in_flight:
            return False
        return not (issubclass(handler, PortaHandler) and handler.always_answers)

    def _refuse(self, status: HTTPStatus, headers: HTTPHeaders) -> None:
        """Answer when the body was read, so that its sender hears why; or else at once."""
        self._refused = status
        if "Expect" in headers:  # RFC 9110 §10.1.1: nothing has to be sent to hear this
            del headers["Expect"]
        elif framing.declared_length(headers) <= framing.MAX_DISCARDED:
            return
        self._answer(closing=True)

    def _answer(self, *, closing: bool) -> None:
        if self._refused is None:
            return
        arguments = {"status": self._refused, "closing": closing}
        self._refused = None
        self._application.get_handler_delegate(self._request, RefusalHandler, arguments).finish()
