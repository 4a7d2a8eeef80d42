"""Message delegate: what every message passes before a handler is chosen."""

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

from handlers.answers import JSON
from handlers.application import Porta
from handlers.base import PortaHandler
from handlers.http import framing
from handlers.http.connections import Connections
from handlers.http.refusal import RefusalHandler
from handlers.http.timeouts import Phase, Stream


class ConnectionDelegate(HTTPServerConnectionDelegate):
    """Hands messages to the application: refused, or with their bytes untouched."""

    def __init__(self, application: Porta, connections: Connections) -> None:
        self._application = application
        self._connections = connections

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> _Message:
        connection = cast(HTTP1Connection, request_conn)
        return _Message(self._application, self._connections, connection)


class _Message(HTTPMessageDelegate):
    """One request, while it arrives."""

    def __init__(
        self, application: Porta, connections: Connections, connection: HTTP1Connection
    ) -> None:
        self._application = application
        self._connections = connections
        self._connection = connection
        self._stream = cast(Stream, connection.stream)
        self._request: framing.RawRequest
        self._delegate: HTTPMessageDelegate | None = None
        self._refused: HTTPStatus | None = None  # with neither of both, it is answered already
        self._size = 0  # bytes of the body that came
        self._held = 0  # of them, those that count as `arriving`
        self._wants_body = False
        self._longest_body = framing.MAX_BODY
        self._has_place = True

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)
        self._request = framing.RawRequest(self._connection, start_line, headers)
        self._stream.enter(Phase.BODY)
        framing.check_framing(start_line, headers)
        delegate = self._application.find_handler(self._request)
        handler = delegate.handler_class
        if issubclass(handler, PortaHandler):
            asked = start_line.method, delegate.handler_kwargs
            self._longest_body = handler.longest_body(*asked)
        refusal = framing.find_refusal(headers, self._stream.fields, self._longest_body)
        if refusal is None:
            if self._may_ask(handler) and not self._is_too_much(handler):
                self._delegate = delegate
                self._wants_body = _takes_body(handler, start_line.method)
                return delegate.headers_received(start_line, headers)
            refusal = HTTPStatus.SERVICE_UNAVAILABLE
        self._refuse(refusal, headers)
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._size += len(chunk)
        if self._delegate is not None:
            refusal = self._find_refusal()
            if refusal is None:
                return self._delegate.data_received(chunk) if self._wants_body else None
            self._delegate, self._refused = None, refusal
            self._let_go()
        if self._size > framing.MAX_DISCARDED:
            self._answer(closing=True)
        return None

    def finish(self) -> None:
        self._let_go()
        if self._stream.has_left():  # faults F12: nothing is begun for nobody
            self._application.life.abandoned += 1
            self._stream.close()
            return
        self._stream.enter(Phase.ANSWER)
        if self._delegate is not None:
            self._delegate.finish()
        else:
            self._answer(closing=False)

    def on_connection_close(self) -> None:
        self._let_go()
        if self._delegate is not None:
            self._delegate.on_connection_close()

    def _find_refusal(self) -> HTTPStatus | None:
        """Return why no more of this body is taken: it, or all that arrives, is too much."""
        if self._size > self._longest_body:  # a chunked one tells its length only as it comes
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        life = self._application.life
        if self._wants_body and self._size > framing.SMALL_BODY:
            large = self._size - framing.SMALL_BODY
            life.arriving += large - self._held
            self._held = large
            if life.arriving > life.max_arriving:
                return HTTPStatus.SERVICE_UNAVAILABLE
        return None

    def _let_go(self) -> None:
        self._application.life.arriving -= self._held
        self._held = 0

    def _may_ask(self, handler: type[RequestHandler]) -> bool:
        """Whether this connection has a place, or asks what needs none."""
        if self._connections.claim(self._stream):
            return True
        self._has_place = False
        return issubclass(handler, PortaHandler) and handler.is_probe

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
        if not self._has_place:  # of these there may be any number: one line a second tells
            self._refused = None
            self._connections.refuse(self._stream)
            return
        handler = self._application.find_handler(self._request).handler_class
        answers = handler.answers if issubclass(handler, PortaHandler) else JSON
        arguments = {"status": self._refused, "closing": closing, "answers": answers}
        self._refused = None
        self._application.get_handler_delegate(self._request, RefusalHandler, arguments).finish()


_BODIES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def _takes_body(handler: type[RequestHandler], method: str) -> bool:
    """Whether `handler` reads what is sent by `method`; nobody keeps the body of anything else."""
    if method not in _BODIES:
        return False
    return getattr(handler, method.lower()) is not getattr(RequestHandler, method.lower())
