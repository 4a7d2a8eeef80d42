"""A small HTTP/1.1 client over one kept-alive connection, so that the load costs little itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import SplitResult, urlencode


@dataclass(frozen=True, slots=True)
class Answer:
    """One response: status, headers by lower-case name (the last one wins), cookies, body."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    body: bytes


class Connection:
    """One connection to the provider; a request at a time."""

    def __init__(self, base: SplitResult) -> None:
        self._host = base.hostname or "127.0.0.1"
        self._port = base.port or (443 if base.scheme == "https" else 80)
        self._tls = base.scheme == "https"
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """GET `path`."""
        return await self._send("GET", path, headers or {}, b"")

    async def post(
        self, path: str, form: dict[str, str], headers: dict[str, str] | None = None
    ) -> Answer:
        """POST `form`, urlencoded."""
        content = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._send("POST", path, content | (headers or {}), urlencode(form).encode())

    def close(self) -> None:
        """Drop the connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                self._host, self._port, ssl=self._tls or None
            )
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        return await self._receive()

    async def _receive(self) -> Answer:
        assert self._reader is not None
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        cookies: list[str] = []
        for line in head[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "set-cookie":
                cookies.append(value.strip())
            elif name:
                headers[name.lower()] = value.strip()
        body = await self._body(headers)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(head[0].split(" ", 2)[1]), headers, tuple(cookies), body)

    async def _body(self, headers: dict[str, str]) -> bytes:
        assert self._reader is not None
        if headers.get("transfer-encoding", "").lower() == "chunked":
            parts = []
            while size := int(await self._reader.readline(), 16):
                parts.append(await self._reader.readexactly(size))
                await self._reader.readexactly(2)
            await self._reader.readexactly(2)
            return b"".join(parts)
        length = int(headers.get("content-length", "0"))
        return await self._reader.readexactly(length) if length else b""
