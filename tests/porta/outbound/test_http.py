"""Outgoing requests: to no private address, and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from porta.outbound import http
from porta.outbound.http import NotSent, is_public, post

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _answering(answer: bytes, after: float = 0) -> AsyncIterator[tuple[str, list[bytes]]]:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head + await reader.read(4))
        await asyncio.sleep(after)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/anchor", seen
    finally:
        server.close()


async def _send(url: str, *, private: bool = True) -> None:
    await post(url, b"{}\r\n", content_type="application/json", private_addresses=private)


async def test_what_is_posted_arrives() -> None:
    async with _answering(b"HTTP/1.1 204 No Content\r\n\r\n") as (url, seen):
        await _send(url)
    assert seen[0].startswith(b"POST /anchor HTTP/1.1\r\n")
    assert seen[0].endswith(b"{}\r\n")
    assert b"ornado" not in seen[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"no HTTP\r\n\r\n",
        b"",
    ],
)
async def test_nothing_but_success_is_success(answer: bytes) -> None:
    async with _answering(answer) as (url, _):
        with pytest.raises(NotSent):
            await _send(url)


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 0.2)
    async with _answering(b"HTTP/1.1 204 No Content\r\n\r\n", after=5) as (url, _):
        with pytest.raises(NotSent):
            await _send(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_what_is_private_is_not_called(host: str) -> None:
    async with _answering(b"HTTP/1.1 204 No Content\r\n\r\n") as (url, seen):
        with pytest.raises(NotSent, match="no public address"):
            await _send(url.replace("127.0.0.1", host), private=False)
    assert seen == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "::", "::1", "fe80::1%eth0"),
        *("fc00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1"),
        *("2001:0:a00:1::", "x"),
    ],
)
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["9.9.9.9", "2620:fe::fe", "64:ff9b::909:909", "2002:909:909::"]
)
def test_an_address_that_is_public(address: str) -> None:
    assert is_public(address)
