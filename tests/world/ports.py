"""Ports for what tests start, which nobody else on the machine is given meanwhile.

A port of the kernel's choice is given anew, to any connection of any process, as soon as it is
closed to be named to a server. These lie below that range, and each process has a block of its
own, held by a socket bound to the first port of it.
"""

from __future__ import annotations

import atexit
import errno
import socket
from functools import cache

# Browsers go to no port 10080; Linux gives out 32768 and above, others 49152 and above.
_LOWEST, _HIGHEST = 10_100, 32_700
_BLOCK = 100
_LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


def free_port() -> int:
    """Return a port of the loopback that is free, and stays so for whoever asked."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """Return the first of `count` consecutive free ports."""
    return _block().take(count)


class _Block:
    def __init__(self, guard: socket.socket) -> None:
        self._guard = guard
        self._first: int = guard.getsockname()[1] + 1
        self._next: int = self._first

    def take(self, count: int) -> int:
        for _ in range(_BLOCK):
            if self._next + count > self._first + _BLOCK - 1:
                self._next = self._first
            port = self._next
            self._next += count
            if all(_is_free(port + offset) for offset in range(count)):
                return port
        raise RuntimeError(f"no {count} free ports from {self._first} on")


@cache
def _block() -> _Block:
    for first in range(_LOWEST, _HIGHEST, _BLOCK):
        guard = socket.socket()
        try:
            guard.bind(("127.0.0.1", first))
        except OSError:
            guard.close()
        else:
            atexit.register(guard.close)
            return _Block(guard)
    raise RuntimeError(f"every port from {_LOWEST} to {_HIGHEST} is taken")


def _is_free(port: int) -> bool:
    return all(_can_bind(family, host, port) for family, host in _LOOPBACKS)


def _can_bind(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family) as probe:
            probe.bind((host, port))
    except OSError as error:
        return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # without IPv6
    return True
