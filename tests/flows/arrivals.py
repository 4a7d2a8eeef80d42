"""Where clients of the seed want browsers sent to: a page that remembers what it was brought."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

PORTS = (9009, 9010, 9011)
"""Where the seed's clients are registered. Nothing listens there: a browser is led to us."""
ORIGINS = frozenset(f"http://127.0.0.1:{port}" for port in PORTS)
_PAGE = b"""<!doctype html><html lang="en"><title>Client</title><link rel="icon" href="data:,">
<h1>Arrived</h1>"""


@dataclass(slots=True)
class Arrival:
    """One request of a browser."""

    method: str
    url: str
    parameters: dict[str, str]


@dataclass(slots=True)
class Arrivals:
    """What was brought, in order, and the port it really came to."""

    port: int
    seen: list[Arrival] = field(default_factory=list)

    @property
    def flag(self) -> str:
        """The option of Chromium that leads it here from where clients are registered."""
        rules = (f"MAP 127.0.0.1:{port} 127.0.0.1:{self.port}" for port in PORTS)
        return f"--host-resolver-rules={','.join(rules)}"

    def posted(self, state: str) -> Arrival:
        """Return the form_post response with this state."""
        return next(a for a in self.seen if a.method == "POST" and a.parameters["state"] == state)


@contextmanager
def arrivals() -> Iterator[Arrivals]:
    """Listen on a free port until the context ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        known = Arrivals(server.server_port)
        server.known = known
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield known
        server.shutdown()
        thread.join()


class _Server(ThreadingHTTPServer):
    known: Arrivals


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, encoded: str) -> None:
        url = f"http://{self.headers['Host']}{urlsplit(self.path).path}"
        parameters = dict(parse_qsl(encoded, keep_blank_values=True))
        self.server.known.seen.append(Arrival(self.command, url, parameters))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(_PAGE)
