"""HTTP/1.1 exchange: one request, one answer, certificates verified, everything limited in time.

The connection belongs to whoever awaits: it is closed when they are cancelled, too.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import IOStream, StreamClosedError
from tornado.tcpclient import TCPClient

from porta.admin_client.errors import AdminApiError, NoAnswer

LARGEST = 64 * 2**20
"""Bytes of an answer that are read at once."""
LONGEST = 4 * 2**30
"""Bytes of one that is read as it comes."""
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""After which a stream or a file is lost: who streams says something every fifteen."""

OnChunk = Callable[[bytes], None]
"""Raises nothing: what reads the connection would take it for its own failure."""


class InsecureAddress(AdminApiError):
    """A token would travel for everybody to read."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def retry_after(self) -> float | None:
        """Seconds until another attempt makes sense, where the server says it."""
        said = self.headers.get("Retry-After", "")
        return float(said) if said.isdecimal() and len(said) < 10 else None


def check_address(url: str) -> None:
    """Raise InsecureAddress for what is not https, but on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
        raise InsecureAddress(f"{url}: an https address is needed, for a token must not be read")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Http:
    """Whom requests are sent with."""

    def __init__(self, *, ca_file: str | None = None, timeout: float = 30.0) -> None:
        """Trust the authorities of the system, or those of `ca_file`; `timeout` in seconds."""
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._tcp = TCPClient()
        self._timeout = timeout

    def close(self) -> None:
        """Let go of what connects."""
        self._tcp.close()

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
        *,
        on_chunk: OnChunk | None = None,
    ) -> HttpAnswer:
        """Send one request, and return its answer; nothing is followed, and nothing repeated.

        `on_chunk` is given what a success says, as it comes and for as long as it lasts. Raises
        NoAnswer, InsecureAddress.
        """
        check_address(url)
        stream = await self._connect(url)
        try:
            async with asyncio.timeout(self._timeout) as limit:
                gathered = _Gathered(on_chunk, limit)
                await self._exchange(stream, method, url, headers, content, gathered)
        except TimeoutError:
            raise NoAnswer(f"{_host(url)} did not answer in time", was_sent=True) from None
        except (OSError, StreamClosedError):
            pass  # what came until then is told below
        finally:
            stream.close()
        if gathered.status is None or not gathered.is_whole:
            raise NoAnswer(f"{_host(url)} closed the connection", was_sent=True)
        return HttpAnswer(gathered.status, gathered.headers, bytes(gathered.content))

    async def _exchange(
        self,
        stream: IOStream,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        gathered: _Gathered,
    ) -> None:
        parts = urlsplit(url)
        sent = HTTPHeaders({"Host": parts.netloc, "Connection": "close", **headers})
        if content is not None or method in ("POST", "PUT", "PATCH"):
            sent["Content-Length"] = str(len(content or b""))
        most = LONGEST if gathered.passes_on else LARGEST
        parameters = HTTP1ConnectionParameters(no_keep_alive=True, max_body_size=most)
        connection = HTTP1Connection(stream, True, parameters)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        line = RequestStartLine(method, target, "HTTP/1.1")
        await connection.write_headers(line, sent, content or b"")
        connection.finish()
        await connection.read_response(gathered)

    async def _connect(self, url: str) -> IOStream:
        parts = urlsplit(url)
        tls = self._tls if parts.scheme == "https" else None
        port = parts.port or (443 if tls else 80)
        connecting = asyncio.ensure_future(
            self._tcp.connect(
                parts.hostname or "", port, ssl_options=tls, timeout=CONNECT_SECONDS,
            )
        )  # fmt: skip
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(_close)
            raise
        except (OSError, StreamClosedError, TimeoutError) as error:
            why = error.real_error if isinstance(error, StreamClosedError) else error
            said = f"{_host(url)} cannot be reached: {_reason(why)}"
            raise NoAnswer(said, was_sent=False) from None


def _reason(error: BaseException | None) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or "no connection"


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _close(connecting: asyncio.Future[IOStream]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()


class _Gathered(HTTPMessageDelegate):
    """An answer as it comes."""

    def __init__(self, on_chunk: OnChunk | None, limit: asyncio.Timeout) -> None:
        self._on_chunk, self._limit = on_chunk, limit
        self.passes_on = on_chunk is not None
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.content = bytearray()
        self.is_whole = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        assert isinstance(start_line, ResponseStartLine)
        self.status, self.headers = start_line.code, headers

    def data_received(self, chunk: bytes) -> None:
        if self._on_chunk is None or self.status is None or self.status >= 300:
            self.content += chunk
            return
        self._limit.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)
        self._on_chunk(chunk)

    def finish(self) -> None:
        self.is_whole = True
