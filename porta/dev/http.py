"""A very small HTTP/1.1 server for the pages of `porta dev` (RFC 9112); loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

_LOG = logging.getLogger(__name__)
_LARGEST_HEAD = 32 * 1024
_LARGEST_BODY = 64 * 1024
_PATIENCE = 30.0
"""Seconds for a request to arrive and for its answer to be taken."""
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1"})
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY + "form-action 'self'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `headers` replace the cautious ones that every answer carries."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Answer]]


def page(html: str, status: int = 200) -> Answer:
    """Return an HTML answer."""
    return Answer(status, html.encode())


def json_answer(value: Any, status: int = 200) -> Answer:
    """Return a JSON answer."""
    return Answer(status, msgspec.json.encode(value), "application/json")


def redirect(location: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a 303 to `location`."""
    return Answer(303, headers={"Location": location, **(headers or {})})


def text_answer(status: int, text: str) -> Answer:
    """Return a line of plain text."""
    return Answer(status, text.encode(), "text/plain; charset=utf-8")


async def serve(handler: Handler, port: int = 0) -> asyncio.Server:
    """Answer requests to 127.0.0.1:`port` (0: any free one) with `handler`, one a connection."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                answer, head_only = await _answer(handler, reader)
                writer.write(_encode(answer, head_only))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # whoever asked went away
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    return await asyncio.start_server(converse, "127.0.0.1", port, limit=_LARGEST_HEAD)


def port_of(server: asyncio.Server) -> int:
    """Return the port a server listens on."""
    port: int = server.sockets[0].getsockname()[1]
    return port


async def _answer(handler: Handler, reader: asyncio.StreamReader) -> tuple[Answer, bool]:
    try:
        request = await _read(reader)
    except (ValueError, asyncio.LimitOverrunError):
        return text_answer(400, "bad request\n"), False
    if not _is_local(request.headers.get("host", "")):
        return text_answer(421, "this server answers to localhost only\n"), False
    if not _is_own(request):
        return text_answer(403, "another site may not do this\n"), False
    try:
        return await handler(request), request.method == "HEAD"
    except Exception:
        _LOG.exception("%s %s", request.method, request.path)
        return text_answer(500, "something went wrong; see the terminal\n"), False


def _is_local(host: str) -> bool:
    """Refuse names of others that resolve to us (DNS rebinding): any page could read the inbox."""
    return host.rpartition(":")[0] in _LOCAL_NAMES or host in _LOCAL_NAMES


def _is_own(request: Request) -> bool:
    """Refuse what another site's page makes a browser send; scripts name no origin."""
    origin = request.headers.get("origin")
    safe = request.method in ("GET", "HEAD")
    return safe or origin is None or urlsplit(origin).netloc == request.headers["host"]


async def _read(reader: asyncio.StreamReader) -> Request:
    """Read one request. Raises ValueError when it is malformed or too large."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    if "transfer-encoding" in headers:
        raise ValueError("chunked bodies are not read")
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _LARGEST_BODY:
        raise ValueError("the body is too large")
    body = await reader.readexactly(length)
    url = urlsplit(target)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return Request(method, unquote(url.path), query, headers, body)


def _encode(answer: Answer, head_only: bool) -> bytes:
    headers = {
        **_HEADERS,
        "Content-Type": answer.content_type,
        "Content-Length": str(len(answer.body)),
        "Connection": "close",
        **answer.headers,
    }
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {_one_line(value)}" for name, value in headers.items()]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return head if head_only else head + answer.body


def _one_line(value: str) -> str:
    if "\r" in value or "\n" in value:
        raise ValueError("a header has one line")
    return value
