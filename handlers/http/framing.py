"""Request framing: odd targets, ambiguous lengths, excess, refused by the header (RFC 9112)."""

from __future__ import annotations

import re
from http import HTTPStatus

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPServerRequest,
    RequestStartLine,
)

MAX_HEADER = 16 * 1024
"""Bytes of a message's header."""
MAX_FIELDS = 100
MAX_BODY = 64 * 1024
"""Bytes of a message's body, where a handler does not say otherwise. Longer ones are read to the
end and refused."""
SMALL_BODY = 8 * 1024
"""Bytes of a body that are always taken; of what goes beyond it, only so much in all."""
MAX_DISCARDED = 1024 * 1024
"""Bytes of a body that is too long and yet read, so that its sender hears why."""
_ABSOLUTE = re.compile(
    r"https?://(\[[0-9a-f:.]+\]|([\w.~!$&'()*+,;=-]|%[0-9a-f]{2})+)(:\d*)?(?=[/?]|$)",
    re.ASCII | re.IGNORECASE,
)  # scheme, host and port; without userinfo, which RFC 9110 §4.2.4 takes for an attack


def check_framing(start_line: RequestStartLine, headers: HTTPHeaders) -> None:
    """Raise HTTPInputError when it could be disputed where this message ends.

    The server refuses both lengths at once, codings but `chunked`, folded lines and odd digits by
    itself; here is what it is lenient about.
    """
    lengths = headers.get_list("Content-Length")
    if len(lengths) > 1 or (lengths and "," in lengths[0]):
        raise HTTPInputError("Content-Length given twice")
    codings = headers.get_list("Transfer-Encoding")
    if codings and (len(codings) > 1 or lengths or start_line.version != "HTTP/1.1"):
        raise HTTPInputError("ambiguous Transfer-Encoding")


def find_refusal(headers: HTTPHeaders, fields: int, longest_body: int) -> HTTPStatus | None:
    """Return the status to refuse a message with whose framing is clear, or None.

    `fields` is the number of lines in its header, `longest_body` the bytes that its handler takes.
    """
    if fields > MAX_FIELDS:
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    if declared_length(headers) > longest_body:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if "Content-Encoding" in headers:
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    return None


def declared_length(headers: HTTPHeaders) -> int:
    """Return the bytes that Content-Length announces; 0 without one that is a number."""
    length = headers.get("Content-Length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 0


def origin_form(target: str) -> str:
    """Return path and query of a request target (RFC 9112 §3.2), or `*`. Raises HTTPInputError.

    The authority of the absolute form is ignored: what we are called stands in the configuration.
    """
    if target.startswith("/") or target == "*":
        return target
    absolute = _ABSOLUTE.match(target)
    if absolute is None:
        raise HTTPInputError("malformed request target")
    rest = target[absolute.end() :]
    return rest if rest.startswith("/") else f"/{rest}"


class RawRequest(HTTPServerRequest):
    """A request whose query and body stay bytes: `protocol.requests.params` alone reads them.

    Tornado would parse, and copy, what nobody asks for.
    """

    def __init__(
        self, connection: HTTPConnection, start_line: RequestStartLine, headers: HTTPHeaders
    ) -> None:
        target = origin_form(start_line.path)
        path, _, query = target.partition("?")
        bare = RequestStartLine(start_line.method, path, start_line.version)
        super().__init__(connection=connection, start_line=bare, headers=headers)
        self.uri, self.query = target, query

    def _parse_body(self) -> None:
        """Leave the body alone."""
