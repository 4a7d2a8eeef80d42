"""A range API on the loopback: tells which passwords were seen in a leak."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class RangeApi:
    """What it is asked, and how it answers."""

    url: str = ""
    status: str = "200 OK"
    after: float = 0.0
    """Seconds that it takes its time."""
    asked: list[str] = field(default_factory=list)
    """The heads of requests."""
    lines: dict[str, list[str]] = field(default_factory=dict)

    def leak(self, password: str, count: int = 7) -> None:
        """Have a password on the list; with a `count` of 0 it is padding."""
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        self.lines.setdefault(digest[:5], []).append(f"{digest[5:]}:{count}")


@asynccontextmanager
async def range_api(passwords: Iterable[str] = ()) -> AsyncIterator[RangeApi]:
    """Run one that knows these passwords until the context ends."""
    api = RangeApi()
    for password in passwords:
        api.leak(password)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        api.asked.append(head)
        await asyncio.sleep(api.after)
        prefix = head.split(" ")[1].rpartition("/")[2]
        body = "\r\n".join([f"{'0' * 35}:0", *api.lines.get(prefix, []), f"{'F' * 35}:3"])
        length = f"HTTP/1.1 {api.status}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write((length + body).encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    api.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/range/"
    try:
        yield api
    finally:
        server.close()
