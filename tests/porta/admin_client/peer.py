"""A server that answers whatever a test says, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

CLOSES = b""
"""In place of an answer: the connection ends."""
HANGS = b"hang"
PAUSES = b"pause"
"""Behind a part of an answer: the connection ends when `go_on` is set."""


def answer(status: int, body: str = "", **headers: str) -> bytes:
    """Return an answer as it is sent."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode()


@dataclass
class Peer:
    """What it answers, one after the other and the last again, and what it was sent."""

    answers: Sequence[bytes]
    requests: list[bytes] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a caller that was kept waiting has gone."""
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def keys(self) -> list[bytes]:
        """Return the Idempotency-Key of each request."""
        lines = (line for each in self.requests for line in each.split(b"\r\n"))
        return [line for line in lines if line.lower().startswith(b"idempotency-key:")]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head)
            said = self.answers[min(len(self.requests), len(self.answers)) - 1]
            if said == HANGS:
                while await reader.read(1024):
                    pass
                self.closed.set()
            writer.write(b"" if said == HANGS else said.removesuffix(PAUSES))
            await writer.drain()
            if said.endswith(PAUSES):
                await self.go_on.wait()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def peer(*answers: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """Run one on a free port of the loopback."""
    found = Peer(answers)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        found.url = f"{'https' if tls else 'http'}://localhost:{port}"
        yield found
