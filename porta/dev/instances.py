"""Server processes of `porta dev`: their ports, their start, and whether they live."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from porta.dev.processes import Child, StartFailed, spawn

HOST = "localhost"
_FIRST_UNPRIVILEGED = 1024
_MOST_TRIED = 100
"""Places that are looked at for free ports."""
_PATIENCE = 60.0
"""Seconds until an instance must be ready."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A running server and its address."""

    child: Child
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


def check_ports(
    first: int, count: int, command: Callable[[int], str] = "porta dev --port {}".format
) -> None:
    """Raise StartFailed when one of the `count` ports from `first` on is taken, with the `command`
    for the first ones that are free.
    """
    if first + count - 1 > 65535:
        raise StartFailed("There are no ports above 65535. Choose a smaller --port.")
    taken = _find_taken(first, count)
    if taken is not None:
        free = _find_free(first, count)
        remedy = f"Choose another: {command(free)}" if free else "Choose another with --port."
        raise StartFailed(f"Port {taken} is taken. {remedy}")


def _find_free(first: int, count: int) -> int | None:
    """Return the first of `count` free ports, a thousand on where that is free."""
    above = range(first + 1000, 65537 - count, count)[:_MOST_TRIED]
    below = range(_FIRST_UNPRIVILEGED, first - count, count)[:_MOST_TRIED]
    return next((port for port in (*above, *below) if _find_taken(port, count) is None), None)


def _find_taken(first: int, count: int) -> int | None:
    """Return the first of `count` ports that somebody listens at."""
    addresses = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
    for port in range(first, first + count):
        if any(_taken(family, address, port) for family, address in addresses):
            return port
    return None


def _taken(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        probe = socket.socket(family)
    except OSError:  # no such protocol on this machine
        return False
    with probe:
        # What Tornado sets too: connections that linger after their end do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def start(port: int, environment: Mapping[str, str], logs: Path) -> Instance:
    """Start one server process on `port`, logging to a file of `logs`."""
    child = spawn(
        [sys.executable, "-m", "porta", "serve"],
        name=f"The server on port {port}",
        log=logs / f"server-{port}.log",
        env={**environment, "PORT": str(port), "HOST": HOST},
    )
    return Instance(child, port)


async def wait_until_ready(instances: Sequence[Instance]) -> None:
    """Return when every instance answers /ready with 200. Raises StartFailed."""
    await asyncio.gather(*(_wait(instance) for instance in instances))


async def _wait(instance: Instance) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            while not await _ready(instance.port):
                check_alive([instance.child])
                await asyncio.sleep(0.03)
    except TimeoutError:
        raise StartFailed(_epitaph(instance.child, "is not ready after a minute")) from None


async def _ready(port: int) -> bool:
    from tornado.httpclient import AsyncHTTPClient, HTTPClientError

    url = f"http://127.0.0.1:{port}/ready"
    try:
        return (await AsyncHTTPClient().fetch(url, raise_error=False)).code == 200
    except (OSError, HTTPClientError):
        return False


def check_alive(children: Sequence[Child]) -> None:
    """Raise StartFailed with the end of its log when one of `children` has ended."""
    for child in children:
        code = child.exit_code()
        if code is not None:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            raise StartFailed(_epitaph(child, how))


def _epitaph(child: Child, what: str) -> str:
    return f"{child.name} {what}. The end of {child.log}:\n{child.last_lines()}"
