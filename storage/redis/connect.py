"""Connecting to a Redis: a connection that is greeted, or the reason why there is none."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from storage.errors import Refused, Unreachable
from storage.redis.connection import SILENT, Address, Refusal, Wire
from storage.redis.error_replies import failure_of_greeting

Lost = Callable[[Wire, str], None]
_REMEDIES = {
    ("standalone", "cluster"): "it is a node of a cluster. Write redis+cluster://host:port",
    ("standalone", "sentinel"): "it is a Sentinel. Write redis+sentinel://host:port/service",
    ("cluster", "standalone"): "it is no node of a cluster. Write redis://host:port",
    ("cluster", "sentinel"): "it is a Sentinel. Write redis+sentinel://host:port/service",
}
"""What to tell a person who named a server of one mode, where one of another answers."""


async def connect(address: Address, deadline: float, lost: Lost) -> Wire:
    """Return a connection that answered its greeting, within `deadline` seconds.

    Raises Refused where the URL is at fault, and Unreachable.
    """
    async with _told(address), asyncio.timeout(deadline):
        transport, wire = await asyncio.get_running_loop().create_connection(
            lambda: Wire(deadline, lost), address.host, address.port, ssl=address.tls
        )
        _keep_alive(transport.get_extra_info("socket"))
        await _greet(wire, address)
        return wire


@asynccontextmanager
async def _told(address: Address) -> AsyncIterator[None]:
    try:
        yield
    except OSError as failure:  # TimeoutError and ssl.SSLError are of its kind.
        reason = " ".join(str(failure).split()) or SILENT
        raise Unreachable(f"{address.place} does not answer: {reason}") from failure


async def _greet(wire: Wire, address: Address) -> None:
    try:
        replies = await wire.send(address.greeting)
    except BaseException:  # A cancelled attempt must not leave its socket behind.
        wire.abort("no answer to the greeting")
        raise
    failure = _problem(address, replies)
    if failure is not None:
        wire.abort("refused")
        raise failure
    if wire.broken:
        raise Unreachable(f"{address.place} does not answer: connection lost")


def _problem(address: Address, replies: list[Any]) -> Unreachable | None:
    """Return what speaks against a connection: the kind of the server, then what it refused."""
    answered = list(zip(address.greeting, replies, strict=True))
    for command, reply in answered:
        if command[0] == "HELLO" and (failure := _misplaced(address, reply)):
            return failure
    for command, reply in answered:
        if command[0] != "HELLO" and isinstance(reply, Refusal):
            return failure_of_greeting(address.place, reply)
    return None


def _misplaced(address: Address, reply: Any) -> Unreachable | None:
    """Judge a server by what HELLO tells of it; one that does not know HELLO is not judged."""
    if not isinstance(reply, list):
        return None
    told = dict(zip(reply[::2], reply[1::2], strict=False))
    mode = told.get(b"mode", address.mode.encode()).decode()
    if remedy := _REMEDIES.get((address.mode, mode)):
        return Refused(f"{address.place} refuses the connection: {remedy}")
    if address.primary and told.get(b"role") != b"master":
        return Unreachable(f"{address.place} does not answer: it is a replica")
    return None


def _keep_alive(sock: socket.socket) -> None:
    """Let the kernel notice a peer that vanished while no command was under way."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
