"""Connecting to PostgreSQL: every address in its turn, in a thread, within a time limit."""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Mapping
from typing import Any

import psycopg2
from psycopg2 import extensions

from storage.dsn import resolve
from storage.errors import Unreachable

CONNECT_TIMEOUT = 2.0
"""Seconds to connect and authenticate, for each address."""
_PREAMBLE = re.compile("^connection to server .*? failed: ")


class Dialler:
    """Connects to the first address that lets us. It blocks: run it in a thread.

    The one that answered last is tried first: what says nothing in front of it is waited for once.
    """

    def __init__(self, parameters: dict[str, str]) -> None:
        self._parameters = parameters
        self._answered: dict[str, str] | None = None

    def dial(self) -> Any:
        """Return a psycopg2 connection in asynchronous mode, or raise Unreachable."""
        try:
            targets = resolve(self._parameters)
        except Unreachable:
            reason = "its host name cannot be resolved"
            raise Unreachable(f"{_place(self._parameters)} does not answer: {reason}") from None
        failure = Unreachable(f"{_place(self._parameters)} does not answer: it has no address")
        for target in sorted(targets, key=lambda each: each != self._answered):
            try:
                raw = _dial(target)
            except Unreachable as error:
                failure = error
            else:
                self._answered = target
                return raw
        raise failure


def _dial(parameters: dict[str, str]) -> Any:
    """Connect to one address. libpq keeps no time limit of an asynchronous connection: we do."""
    ends = time.monotonic() + CONNECT_TIMEOUT
    try:
        raw = psycopg2.connect(extensions.make_dsn(**parameters), async_=1)
        while (state := raw.poll()) != extensions.POLL_OK:
            poller = select.poll()
            poller.register(
                raw.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
            )
            if not poller.poll(max(0.0, ends - time.monotonic()) * 1000):
                silence = f"no word in {CONNECT_TIMEOUT:.0f} seconds"
                raise Unreachable(f"{_place(parameters)} does not answer: {silence}")
    except psycopg2.Error as error:
        raise Unreachable(f"{_place(parameters)} {_fault(error)}") from None
    return raw


def _place(parameters: Mapping[str, str]) -> str:
    """Name where we dial, as it was given to us, and nothing that could be of a password."""
    host = parameters.get("host") or parameters.get("hostaddr") or os.environ.get("PGHOST")
    if "@" in parameters.get("dbname", ""):
        return "PostgreSQL"  # A password with a bare slash: what seems to be the host is not.
    if not host or host[0] in "/@":
        return f"PostgreSQL at {host or 'its local socket'}"
    port = parameters.get("port") or os.environ.get("PGPORT") or "5432"
    return f"PostgreSQL at {f'[{host}]' if ':' in host else host}:{port}"


def _fault(error: psycopg2.Error) -> str:
    """Return what libpq says, in one line without the address, which it repeats."""
    line = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    reason = _PREAMBLE.sub("", line)
    severity, colon, told = reason.partition(":  ")
    # A severity is what a server says: it has answered.
    return f"refuses the connection: {told}" if colon else f"does not answer: {severity}"
