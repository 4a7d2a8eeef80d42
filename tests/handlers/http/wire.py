"""Bytes on a socket: what no HTTP library would send."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def exchange(
    port: int, *parts: bytes, timeout: float = 9.0, source: str = "127.0.0.1"
) -> bytes:
    """Send `parts` from the address `source`; return all that comes until the server closes.

    The last answer has to close the connection; TimeoutError tells that it did not, for no
    limit of the server's is as short.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        for part in parts:
            with suppress(ConnectionError):
                writer.write(part)
                await writer.drain()
            await asyncio.sleep(0)
        return await asyncio.wait_for(_read_all(reader), timeout)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    received = b""
    with suppress(ConnectionError):
        while chunk := await reader.read(65536):
            received += chunk
    return received


def request(
    method: str, path: str, *fields: str, body: bytes = b"", version: str = "HTTP/1.1"
) -> bytes:
    """Return a message with these header lines, and a Host."""
    lines = [f"{method} {path} {version}", "Host: localhost", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def statuses(answer: bytes) -> list[int]:
    """Return the status of every answer in what came back."""
    return [int(part[1:4]) for part in answer.split(b"HTTP/1.1")[1:]]
