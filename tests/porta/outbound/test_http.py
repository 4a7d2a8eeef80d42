"""Outgoing requests: to no private address, and bounded."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from porta.outbound import breaker, http
from porta.outbound.breaker import Breakers
from porta.outbound.http import NotAnswered, NotSent, Outbound, Request, is_public

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _answering(answer: bytes, after: float = 0) -> AsyncIterator[tuple[str, list[bytes]]]:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head + (await reader.read(4) if b"Content-Length" in head else b""))
        await asyncio.sleep(after)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/anchor", seen
    finally:
        server.close()


@asynccontextmanager
async def _opened(
    *, private: bool = True, breakers: Breakers | None = None
) -> AsyncIterator[Outbound]:
    outbound = Outbound(private_addresses=private, breakers=breakers)
    try:
        yield outbound
    finally:
        await outbound.close()


async def _send(url: str, *, private: bool = True) -> None:
    async with _opened(private=private) as outbound:
        await outbound.post(url, b"{}\r\n", content_type="application/json")


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


async def test_what_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 0.3)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await asyncio.sleep(0.05)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server, _opened() as outbound:
        with pytest.raises(NotAnswered):
            await outbound.fetch(Request(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))


async def test_what_is_compressed_stays_so() -> None:
    packed = gzip.compress(b"x" * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    async with _answering(head.encode() + packed) as (url, _), _opened() as outbound:
        assert (await outbound.fetch(Request(url))).body == packed


async def test_what_else_waits_in_threads_keeps_no_name_waiting() -> None:
    """And the other way round: what hangs at a name server takes no thread of theirs."""
    let_go = threading.Event()
    threads = ThreadPoolExecutor(1)
    asyncio.get_running_loop().run_in_executor(threads, let_go.wait)
    before = asyncio.get_running_loop()._default_executor  # type: ignore[attr-defined]
    asyncio.get_running_loop().set_default_executor(threads)
    answering, opened = _answering(b"HTTP/1.1 204 No Content\r\n\r\n"), _opened()
    try:
        async with asyncio.timeout(30), answering as (url, _), opened as outbound:
            url = url.replace("127.0.0.1", "localhost")
            assert (await outbound.fetch(Request(url))).status == 204
    finally:
        let_go.set()
        threads.shutdown()
        asyncio.get_running_loop()._default_executor = before  # type: ignore[attr-defined]


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with _answering(answer) as (url, seen), _opened() as outbound:
        assert (await outbound.fetch(Request(url))).status == 302
    assert len(seen) == 1


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "https:///x", "https://a:b@example.com/"),
        *("file:///etc/passwd", "https://example.com:x/", "https://[::1/", ""),
    ],
)
async def test_only_https_is_called(url: str) -> None:
    async with _opened(private=False) as outbound:
        with pytest.raises(NotSent, match=r"https|no URL"):
            await outbound.fetch(Request(url))


async def test_a_dead_destination_is_left_alone_and_takes_nothing_from_others() -> None:
    now = 0.0
    breakers = Breakers(lambda: now)
    dead = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{dead.getsockname()[1]}/"
    dead.close()
    answering, opened = _answering(b"HTTP/1.1 204 No Content\r\n\r\n"), _opened(breakers=breakers)
    async with answering as (alive, seen), opened as outbound:
        for _ in range(breaker.THRESHOLD):
            with pytest.raises(NotAnswered):
                await outbound.fetch(Request(url))
        with pytest.raises(NotSent, match="tried again in a while"):
            await outbound.fetch(Request(url))
        assert (await outbound.fetch(Request(alive))).status == 204
        now = breaker.PAUSE
        with pytest.raises(NotAnswered):  # one tries, and finds it as it was
            await outbound.fetch(Request(url))
        with pytest.raises(NotSent, match="tried again in a while"):
            await outbound.fetch(Request(url))
    assert len(seen) == 1


async def test_what_is_refused_is_no_failure_of_the_other_side() -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    async with _answering(answer) as (url, seen), _opened() as outbound:
        for _ in range(breaker.THRESHOLD + 1):
            assert (await outbound.fetch(Request(url))).status == 400
    assert len(seen) == breaker.THRESHOLD + 1


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433"),
        *("0x7f000001", "0177.0.0.1", "0", "[::]", "LOCALHOST."),
    ],
)
async def test_what_is_private_is_not_called(host: str) -> None:
    async with _answering(b"HTTP/1.1 204 No Content\r\n\r\n") as (url, seen):
        with pytest.raises(NotSent):
            await _send(url.replace("127.0.0.1", host), private=False)
    assert seen == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "::", "::1", "fe80::1%eth0"),
        *("fc00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1"),
        *("2001:0:a00:1::", "x", "fec0::1", "64:ff9b:1::a00:1", "::10.0.0.1", "::ffff:0:10.0.0.1"),
        *("3fff::1", "5f00::1", "4000::1", "2606:4700::200:5efe:a00:1", "2606:4700::5efe:a00:1"),
    ],
)
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["9.9.9.9", "2620:fe::fe", "64:ff9b::909:909", "2002:909:909::"]
)
def test_an_address_that_is_public(address: str) -> None:
    assert is_public(address)
