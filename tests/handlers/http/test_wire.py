"""Messages that no library would send (security requirements I.4, I.5; RFC 9112)."""

from __future__ import annotations

import asyncio
import re

import pytest

from handlers.http import framing
from handlers.http.server import Server
from tests.handlers.http.wire import exchange, request, statuses

FORM = "Content-Type: application/x-www-form-urlencoded"
SMUGGLED = b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

AMBIGUOUS = {
    "both lengths": request(
        "POST", "/acme/token", FORM, "Content-Length: 5", "Transfer-Encoding: chunked",
        body=b"0\r\n\r\n",
    ),
    "two lengths": request(
        "POST", "/acme/token", "Content-Length: 3", "Content-Length: 4", body=b"a=b"
    ),
    "one length twice": request(
        "POST", "/acme/token", "Content-Length: 3", "Content-Length: 3", body=b"a=b"
    ),
    "a list of lengths": request("POST", "/acme/token", "Content-Length: 3, 3", body=b"a=b"),
    "a signed length": request("POST", "/acme/token", "Content-Length: +3", body=b"a=b"),
    "a negative length": request("POST", "/acme/token", "Content-Length: -3", body=b"a=b"),
    "a hexadecimal length": request("POST", "/acme/token", "Content-Length: 0x3", body=b"a=b"),
    "an empty length": request("POST", "/acme/token", "Content-Length: ", body=b"a=b"),
    "a length with a space": request("POST", "/acme/token", "Content-Length: 1 3", body=b"a=b"),
    "an unknown coding": request("POST", "/acme/token", "Transfer-Encoding: gzip"),
    "a coding before chunked": request("POST", "/acme/token", "Transfer-Encoding: gzip, chunked"),
    "a misspelt coding": request("POST", "/acme/token", "Transfer-Encoding: xchunked"),
    "two codings": request(
        "POST", "/acme/token", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
        body=b"0\r\n\r\n",
    ),
    "chunked before HTTP/1.1": request(
        "POST", "/acme/token", "Transfer-Encoding: chunked", body=b"0\r\n\r\n", version="HTTP/1.0"
    ),
    "a folded line": request("GET", "/live", "X-Folded: a\r\n b"),
    "a space before the colon": request("POST", "/acme/token", "Content-Length : 3", body=b"a=b"),
    "no colon": request("GET", "/live", "Nonsense"),
    "a NUL in a value": request("GET", "/live", "X-Nul: a\x00b"),
    "a bare CR in a value": request("GET", "/live", "X-Cr: a\rb"),
    "a bare LF after a line": b"GET /live HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
    "a bare LF after the request line": b"GET /live HTTP/1.1\nHost: localhost\r\n\r\n",
    "a bare LF at the end": b"GET /live HTTP/1.1\r\nHost: localhost\r\n\n",
    "no host": b"GET /live HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two spaces in the request line": b"GET  /live HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /live\r\nHost: a\r\n\r\n",
    "another version": b"GET /live HTTP/2.0\r\nHost: a\r\n\r\n",
    "a NUL in the path": b"GET /li\x00ve HTTP/1.1\r\nHost: a\r\n\r\n",
}  # fmt: skip

BAD_CHUNKS = {
    "no number": b"g\r\na=b\r\n0\r\n\r\n",
    "a sign": b"+3\r\na=b\r\n0\r\n\r\n",
    "a prefix": b"0x3\r\na=b\r\n0\r\n\r\n",
    "an underscore": b"1_0\r\na=b\r\n0\r\n\r\n",
    "an extension": b"3;a=b\r\na=b\r\n0\r\n\r\n",
    "a bare LF": b"3\na=b\r\n0\r\n\r\n" + b" " * 64,
    "too much in it": b"3\r\na=bcd\r\n0\r\n\r\n",
    "a trailer": b"3\r\na=b\r\n0\r\nX-Trailer: a\r\n\r\n",
    "a number without end": b"0" * 200,
}


@pytest.mark.parametrize("message", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_an_ambiguous_message_is_refused_and_nothing_behind_it_is_read(
    server: Server, message: bytes
) -> None:
    assert statuses(await exchange(server.port, message + SMUGGLED)) == [400]


@pytest.mark.parametrize("chunks", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
async def test_a_bad_chunk_is_refused_and_nothing_behind_it_is_read(
    server: Server, chunks: bytes
) -> None:
    message = request("POST", "/acme/token", FORM, "Transfer-Encoding: chunked", body=chunks)
    assert statuses(await exchange(server.port, message + SMUGGLED)) == [400]


@pytest.mark.parametrize("chunks", [b"3\r\na=b\r\n0\r\n\r\n", b"1\r\na\r\n2\r\n=b\r\n0\r\n\r\n"])
async def test_good_chunks_are_one_body(server: Server, chunks: bytes) -> None:
    message = request("POST", "/acme/token", FORM, "Transfer-Encoding: chunked", body=chunks)
    answer = await exchange(server.port, message + SMUGGLED)
    assert statuses(answer) == [401, 200]  # the token endpoint misses a client; then /live
    assert b'"error":"invalid_client"' in answer


@pytest.mark.parametrize(
    ("fields", "body", "status"),
    [
        ([f"X-{n}: {n}" for n in range(100)], b"", 431),
        ([FORM, f"Content-Length: {64 * 1024 + 1}"], b"a" * (64 * 1024 + 1), 413),
        ([FORM, "Content-Length: 500000"], b"a" * 500_000, 413),
        (
            [FORM, "Transfer-Encoding: chunked"],
            b"8000\r\n" + b"a" * 0x8000 + b"\r\n8001\r\n" + b"a" * 0x8001 + b"\r\n0\r\n\r\n",
            413,
        ),
        ([FORM, "Content-Encoding: gzip", "Content-Length: 3"], b"a=b", 415),
        ([FORM, "Content-Encoding: identity", "Content-Length: 3"], b"a=b", 415),
    ],
)
async def test_excess_is_refused_and_the_connection_goes_on(
    server: Server, fields: list[str], body: bytes, status: int
) -> None:
    message = request("POST", "/acme/token", *fields, body=body)
    answer = await exchange(server.port, message + SMUGGLED)
    assert statuses(answer) == [status, 200]
    assert b"X-Request-Id" in answer


ASKING = [FORM, "Expect: 100-continue"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([*ASKING, "Content-Length: 100000"], 413),
        ([*ASKING, "Content-Length: 2000000"], 413),
        ([*ASKING, "Content-Encoding: gzip", "Content-Length: 3"], 415),
        ([*ASKING, "Content-Encoding: gzip", "Transfer-Encoding: chunked"], 415),
    ],
)
async def test_who_asks_before_sending_is_told_no_at_once(
    server: Server, fields: list[str], status: int
) -> None:
    """RFC 9110 §10.1.1: a final status instead of 100, and nothing is waited for."""
    answer = await exchange(server.port, request("POST", "/acme/token", *fields))
    assert statuses(answer) == [status]
    assert b"\r\nConnection: close\r\n" in answer


async def test_who_may_send_is_told_to_go_on(server: Server) -> None:
    message = request("POST", "/acme/token", *ASKING, "Content-Length: 3", body=b"a=b")
    assert statuses(await exchange(server.port, message + SMUGGLED)) == [100, 401, 200]


def _chunked(size: int, piece: int) -> bytes:
    chunk = b"%x\r\n%s\r\n" % (piece, b"a" * piece)
    return chunk * (size // piece) + b"0\r\n\r\n"


@pytest.mark.parametrize("piece", [2_000_000, 50_000])
async def test_chunks_without_measure_are_refused_as_what_they_are(
    server: Server, piece: int
) -> None:
    body = _chunked(2_000_000, piece)
    message = request("POST", "/acme/token", FORM, "Transfer-Encoding: chunked", body=body)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    # As much as is read; behind it the connection is reset, and with it what was not fetched.
    writer.write(message[: framing.MAX_DISCARDED + 64 * 1024])
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    writer.close()
    assert statuses(head) == [413]
    assert b"\r\nConnection: close\r\n" in head


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (AMBIGUOUS["both lengths"], 400),
        (AMBIGUOUS["a folded line"], 400),
        (AMBIGUOUS["a bare LF at the end"], 400),
        (AMBIGUOUS["two hosts"], 400),
        (request("POST", "/acme/token", "Transfer-Encoding: chunked", body=b"g\r\n"), 400),
        (request("POST", "/acme/token", "Transfer-Encoding: chunked", body=b"0" * 200), 400),
        (request("GET", "/live", "X-Long: " + "x" * 17_000), 431),
    ],
)
async def test_an_unreadable_message_is_answered_as_every_other(
    server: Server, message: bytes, status: int
) -> None:
    answer = await exchange(server.port, message)
    assert statuses(answer) == [status]
    head, _, body = answer.decode().partition("\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    assert re.fullmatch(r"[0-9a-f-]{36}", fields["X-Request-Id"])
    assert (fields["Content-Length"], fields["Connection"], body) == ("0", "close", "")
    for name, value in server.application.common_headers.items():
        assert name == "Content-Type" or fields[name] == value
    assert "Date" in fields


async def test_a_body_of_64_kib_is_read(server: Server) -> None:
    body = b"a=" + b"&" * (64 * 1024 - 2)
    message = request("POST", "/acme/token", FORM, f"Content-Length: {len(body)}", body=body)
    answer = await exchange(server.port, message + SMUGGLED)
    assert statuses(answer)[0] in (400, 401)
    assert b"too_large" not in answer


async def test_a_body_beyond_all_measure_is_refused_before_it_comes(server: Server) -> None:
    message = request("POST", "/acme/token", FORM, "Content-Length: 99999999999", body=b"a=b")
    answer = await exchange(server.port, message)
    assert statuses(answer) == [413]
    assert b"\r\nConnection: close\r\n" in answer


async def test_a_header_beyond_16_kib_is_refused(server: Server) -> None:
    message = request("GET", "/live", "X-Long: " + "x" * 16_384)
    assert statuses(await exchange(server.port, message)) == [431]


async def test_a_header_of_almost_16_kib_is_read(server: Server) -> None:
    message = request("GET", "/live", "X-Long: " + "x" * 16_000, "Connection: close")
    assert statuses(await exchange(server.port, message)) == [200]


async def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    message = request("GET", "/robots.txt") + request("GET", "/nothing") + SMUGGLED
    assert statuses(await exchange(server.port, message)) == [200, 404, 200]


async def test_a_request_that_comes_byte_by_byte_is_read(server: Server) -> None:
    message = request("GET", "/live", "Connection: close")
    parts = [message[n : n + 1] for n in range(len(message))]
    assert statuses(await exchange(server.port, *parts)) == [200]
