"""Idle budget: what a server and a worker cost while nobody asks them for anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest

from porta.jobs import process
from porta.runtime import Runtime
from porta.services import startup
from storage.postgres import notifications
from tests.world.served import settings_for

STATEMENTS_PER_MINUTE = 30
_SECONDS = 60.0
_ASKS_FOR_TLS = (80877103, 80877104)
"""SSLRequest and GSSENCRequest: they stand where the version does."""


class Meter:
    """Counts the statements that pass: of one message, each that ends in a semicolon or with it;
    but for what says in front of one what it may see, which waits for nothing and reads nothing.
    """

    def __init__(self) -> None:
        self.said: list[str] = []

    async def read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began = False
        while True:
            kind = await reader.readexactly(1) if began else b""
            head = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(head) - 4)
            writer.write(kind + head + body)
            if kind == b"Q":
                text = body.rstrip(b"\0").decode()
                parts = [each.strip() for each in text.split(";")]
                self.said += [each for each in parts if each and not each.startswith("SET LOCAL")]
            began = began or int.from_bytes(body[:4]) not in _ASKS_FOR_TLS


@asynccontextmanager
async def metered(url: str) -> AsyncIterator[tuple[Meter, str]]:
    """Yield a meter, and the URL that leads through it to the database of `url`."""
    meter, parts = Meter(), urlsplit(url)
    tasks: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(parts.hostname, parts.port)

        async def answers() -> None:
            while data := await there.read(65536):
                writer.write(data)

        reading = asyncio.create_task(answers())
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await meter.read(reader, back)
        finally:
            reading.cancel()
            for each in (back, writer):
                each.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(pass_on(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    netloc = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}"
    try:
        yield meter, parts._replace(netloc=netloc).geturl()
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.slow
async def test_an_idle_server_and_an_idle_worker_say_little_to_postgresql(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "AWAKE", 1.0)
    async with metered(fresh_database_url) as (meter, url):
        server, worker = [await Runtime.open(settings_for(url, None)) for _ in range(2)]
        for runtime in (server, worker):
            await startup.prepare(runtime)
        async with (
            process.at_work(server, jobs=False) as serving,
            process.at_work(worker, jobs=True) as working,
        ):
            await asyncio.sleep(4.0)
            assert len(meter.said) > 10, "what they say is counted"
            meter.said.clear()
            await asyncio.sleep(_SECONDS)
            said = list(meter.said)
            for work in (serving, working):
                work.stop(1.0)
        await server.close()
        await worker.close()
    assert 0 < len(said) < STATEMENTS_PER_MINUTE * _SECONDS / 60, said
