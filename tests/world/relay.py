"""A wire between us and a database that can go silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class Relay:
    """Forwards bytes to a server; while it is silent it keeps them in both directions, while it is
    slow it holds them up, `delay` seconds each way.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open = asyncio.Event()
        self._open.set()
        self.delay = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def silence(self) -> None:
        self._open.clear()

    def restore(self) -> None:
        self.delay = 0.0
        self._open.set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        self.restore()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            await self._open.wait()
            there, back = await asyncio.open_connection(*self._target)
            writers.append(back)
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            for each in writers:
                each.close()
            for each in writers:
                with suppress(OSError):
                    await each.wait_closed()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                await self._open.wait()
                await asyncio.sleep(self.delay)
                sink.write(data)
                await sink.drain()
        sink.close()


@asynccontextmanager
async def relay(url: str) -> AsyncIterator[tuple[Relay, str]]:
    """Yield a relay to the server of `url`, and the same URL through it."""
    parts = urlsplit(url)
    wire = Relay(parts.hostname or "", parts.port or 0)
    server = await asyncio.start_server(wire.accept, "127.0.0.1", 0)
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    credentials = parts.netloc.rpartition("@")[0]
    netloc = f"{credentials}@{place}" if credentials else place
    try:
        yield wire, urlunsplit(parts._replace(netloc=netloc))
    finally:
        server.close()
        await wire.close()
