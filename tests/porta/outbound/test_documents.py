"""Documents of others: one fetch of each, few of them, and what one is read as is what it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from porta.outbound import breaker, documents
from porta.outbound.documents import MAX_AGE, PAUSE, Documents
from porta.outbound.http import NotSent, Outbound


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _as_told(value: Any) -> Any:
    return value


def _named(value: Any) -> str:
    return str(value["name"])


@asynccontextmanager
async def _serving(body: bytes) -> AsyncIterator[tuple[Documents, str, list[bytes], _Clock]]:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    clock, outbound = _Clock(), Outbound(private_addresses=True)
    try:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        yield Documents(outbound, clock), url, seen, clock
    finally:
        await outbound.close()
        server.close()


async def test_a_document_is_fetched_once_in_a_while() -> None:
    async with _serving(b'{"name": "a"}') as (kept, url, seen, clock):
        assert await asyncio.gather(*(kept.get(url, _named) for _ in range(9))) == ["a"] * 9
        assert len(seen) == 1
        clock.now += PAUSE - 1
        await kept.renew(url, _named)
        assert len(seen) == 1
        clock.now += 2
        await kept.renew(url, _named)
        assert len(seen) == 2
        clock.now += MAX_AGE
        await kept.get(url, _named)
        assert len(seen) == 3


async def test_one_that_is_named_as_two_things_is_read_as_each() -> None:
    async with _serving(b'{"name": "a"}') as (kept, url, seen, _):
        assert await kept.get(url, _named) == "a"
        assert await kept.get(url, _as_told) == {"name": "a"}
        assert len(seen) == 2


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[" * 60_000, json.dumps({"name": "a" * 70_000}).encode(), b"\xff"]
)
async def test_what_is_no_document(body: bytes) -> None:
    async with _serving(body) as (kept, url, _, _), asyncio.timeout(30):
        with pytest.raises(NotSent):
            await kept.get(url, _as_told)


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_MOST", 2)
    async with _serving(b"{}") as (kept, url, seen, _):
        for path in ("a", "b", "c", "b", "c", "a"):
            await kept.get(url + path, _as_told)
    assert len(seen) == 4


async def test_what_one_organization_spoils_is_there_for_others() -> None:
    """A page of somebody else's provider that is no document at all is named by whoever likes."""
    async with _serving(b"x" * 200_000) as (kept, url, _, _):
        for _ in range(breaker.THRESHOLD + 1):
            with pytest.raises(NotSent):
                await kept.get(url, _as_told, of="evil")
        with pytest.raises(NotSent, match="tried again in a while"):
            await kept.get(url, _as_told, of="evil")
        with pytest.raises(NotSent) as honest:
            await kept.get(url, _as_told, of="acme")
    assert "tried again" not in str(honest.value)
