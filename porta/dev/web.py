"""Tornado handlers of the pages of `porta dev`, on the loopback interface; and the look of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

from porta.dev.pages import STYLE

_LARGEST_BODY = 64 * 1024
_LARGEST_HEAD = 128 * 1024
"""Bytes: the cookies of every server of this machine come along, whatever its port."""
_PATIENCE = 30.0
"""Seconds for a request to arrive."""
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1"})
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY + "form-action 'self'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Route = tuple[str, type[RequestHandler], dict[str, Any]]


class PageHandler(RequestHandler):
    """A page for this machine's browsers, with the cautious headers of every answer."""

    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        for name in ("Server", "Date"):  # a HEAD is answered as the GET a second before
            self.clear_header(name)

    def prepare(self) -> None:
        """Refuse names of others that resolve to us (DNS rebinding: any page could read the inbox),
        and what another site's page makes a browser send; scripts name no origin.
        """
        host = self.request.headers.get("Host", "")
        if host.rpartition(":")[0] not in _LOCAL_NAMES and host not in _LOCAL_NAMES:
            raise HTTPError(421, reason="This server answers to localhost only")
        origin = self.request.headers.get("Origin")
        safe = self.request.method in ("GET", "HEAD")
        if not safe and origin is not None and urlsplit(origin).netloc != host:
            raise HTTPError(403, reason="Another site may not do this")

    async def head(self, *path: str) -> None:
        """Answer as to GET; Tornado leaves the body out."""
        if answer := self.get(*path):
            await answer

    def see_other(self, location: str) -> None:
        """Answer with a 303 to `location`."""
        self.redirect(location, status=303)

    def finish_json(self, value: Any, status: int = 200) -> None:
        """Answer in JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode(value))

    def finish_text(self, text: str | bytes) -> None:
        """Answer in plain text."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(text)

    def write_error(self, status_code: int, **_: Any) -> None:
        self.finish_text(f"{self._reason}\n")

    def compute_etag(self) -> None:
        """Nothing here is kept to be compared with."""


class NotFoundHandler(PageHandler):
    """Every path that names nothing."""

    def prepare(self) -> None:
        super().prepare()
        raise HTTPError(404)


class _StyleHandler(PageHandler):
    """The stylesheet that every page names."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.finish(STYLE)


def serve(routes: Sequence[Route], port: int = 0) -> tuple[str, HTTPServer]:
    """Answer at 127.0.0.1:`port` (0: any free one); return the URL, and the server to stop."""
    application = Application(
        [("/style.css", _StyleHandler), *routes],
        default_handler_class=NotFoundHandler,
        log_function=lambda _: None,  # the terminal is for what porta dev says
    )
    server = HTTPServer(
        application,
        no_keep_alive=True,
        idle_connection_timeout=_PATIENCE,
        body_timeout=_PATIENCE,
        max_header_size=_LARGEST_HEAD,
        max_body_size=_LARGEST_BODY,
    )
    sockets = bind_sockets(port, "127.0.0.1")
    server.add_sockets(sockets)
    return f"http://127.0.0.1:{sockets[0].getsockname()[1]}", server
