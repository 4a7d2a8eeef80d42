"""Connecting to PostgreSQL: every address in its turn, in a thread, within a time limit."""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg2
from psycopg2 import extensions

from storage.dsn import resolve
from storage.errors import Unreachable

CONNECT_TIMEOUT = 2.0
"""Seconds to connect and authenticate, for each address."""


class Dialler:
    """Connects to the first address that lets us. It blocks: run it in a thread.

    The one that answered last is tried first: what says nothing in front of it is waited for once.
    """

    def __init__(self, parameters: dict[str, str]) -> None:
        self._parameters = parameters
        self._answered: dict[str, str] | None = None

    def dial(self) -> Any:
        """Return a psycopg2 connection in asynchronous mode, or raise Unreachable."""
        failure = Unreachable("the database has no address")
        for target in sorted(resolve(self._parameters), key=lambda each: each != self._answered):
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
                raise Unreachable("the database does not answer in time")
    except psycopg2.Error as error:
        raise Unreachable(f"{type(error).__name__}: {error}".strip()) from None
    return raw
