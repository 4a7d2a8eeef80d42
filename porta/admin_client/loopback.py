"""Loopback redirect: where the answer of a sign-in arrives on this machine (RFC 8252 §7.3)."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.netutil import bind_sockets

PATH = "/callback"
_ADDRESS = "127.0.0.1"
_DONE = "You can close this window: everything else is told in the terminal."
_UNKNOWN = "Nothing waits for this."


class Loopback:
    """A listener for one answer."""

    def __init__(self, port: int) -> None:
        self._host = f"{_ADDRESS}:{port}"
        self._state: str | None = None
        self._answered: asyncio.Future[Mapping[str, str]] = asyncio.Future()

    @property
    def redirect_uri(self) -> str:
        """Where the issuer is to send the person back to."""
        return f"http://{self._host}{PATH}"

    def expect(self, state: str) -> None:
        """Wait for the answer with this state, from before the person is sent for it.

        Any page of the browser can send something here: what is of another state is passed over.
        """
        self._state = state

    async def answer(self, seconds: float) -> Mapping[str, str]:
        """Return the parameters of the answer that is expected. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            return await self._answered

    def take(self, request: HTTPServerRequest) -> None:
        """Answer a request of the browser."""
        found = self._read(request)
        status, text = (200, _DONE) if found is not None else (404, _UNKNOWN)
        content = f"<!doctype html><meta charset=utf-8><title>Sign-in</title><p>{text}".encode()
        assert request.connection is not None
        request.connection.write_headers(
            ResponseStartLine("HTTP/1.1", status, "OK" if status == 200 else "Not Found"),
            HTTPHeaders(
                {
                    "Content-Type": "text/html; charset=utf-8",
                    "Content-Length": str(len(content)),
                    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
                    "Cache-Control": "no-store",
                    "Referrer-Policy": "no-referrer",
                    "Connection": "close",
                }
            ),
            content,
        )
        request.connection.finish()
        if found is not None and not self._answered.done():
            self._answered.set_result(found)

    def _read(self, request: HTTPServerRequest) -> Mapping[str, str] | None:
        # A name that was made to point here is another host: it is no redirect of ours.
        if request.method != "GET" or request.path != PATH or request.host != self._host:
            return None
        found = parameters_of(request.uri or "")
        state = found.get("state", "")
        if self._state is None or not hmac.compare_digest(state.encode(), self._state.encode()):
            return None
        return found


def parameters_of(url: str) -> dict[str, str]:
    """Return the parameters of an answer; what is there twice is not there."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


@asynccontextmanager
async def listening() -> AsyncIterator[Loopback]:
    """Listen on a free port of this machine until the context ends."""
    sockets = bind_sockets(0, _ADDRESS)
    loopback = Loopback(sockets[0].getsockname()[1])
    server = HTTPServer(loopback.take, no_keep_alive=True, idle_connection_timeout=30)
    server.add_sockets(sockets)
    try:
        yield loopback
    finally:
        server.stop()
        await server.close_all_connections()
