"""Connecting to PostgreSQL: every address in its turn, in a thread, within a time limit."""

from __future__ import annotations

import logging
import os
import re
import select
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple

import psycopg2
from psycopg2 import extensions

from storage.errors import Refused, Unreachable
from storage.postgres.dsn import resolve
from storage.postgres.tenancy import TAKE_ROLES, Roles

_LOG = logging.getLogger(__name__)

CONNECT_TIMEOUT = 2.0
"""Seconds to connect and authenticate, for each address, and for each answer after that."""
_SET = """
    SELECT set_config(name, wanted.value, FALSE)
    FROM pg_settings JOIN unnest(%s, %s) AS wanted (name, value) USING (name)
    WHERE source <> 'client'
"""
# A startup parameter would be refused by PgBouncer. What the address asks for in `options` wins.
_PREAMBLE = re.compile("^connection to server .*? failed: ")


_SHARED = (
    "is a pooler that lends a session for a transaction only, and Porta prepares, listens and locks"
    " in sessions of its own: set pool_mode = session there, or name PostgreSQL itself"
)
_SMALL = "raise the pooler's default_pool_size, or lower DATABASE_POOL_SIZE"
_OPTIONS = (
    "; take options out of DATABASE_URL and PGOPTIONS, or name it in the pooler's"
    " ignore_startup_parameters"
)


class RawConnection(NamedTuple):
    """A psycopg2 connection in asynchronous mode, and the server's process behind it."""

    raw: Any
    pid: int
    roles: Roles | None
    """Those that it has by row-level security; None where it is who it logged in as."""


class Connector:
    """Connects to the first address that lets us. It blocks: run it in a thread.

    The one that answered last is tried first: what says nothing in front of it is waited for once.
    A pooler is asked once whether it lends its sessions for good, and whether it has as many as
    `sessions`.
    """

    def __init__(
        self,
        parameters: dict[str, str],
        settings: Mapping[str, str],
        sessions: int,
        isolated: bool,
    ) -> None:
        self._isolated = isolated
        self._parameters = parameters
        self._settings = settings
        self._sessions = sessions
        self._answered: dict[str, str] | None = None
        self._checking = Lock()
        self._checked: list[dict[str, str]] = []

    def connect(self) -> RawConnection:
        """Return a connection whose session is ours, with its settings, or raise Unreachable.

        Refused where a pooler has no sessions for us.
        """
        try:
            targets = resolve(self._parameters)
        except Unreachable:
            reason = "its host name cannot be resolved"
            raise Unreachable(f"{_place(self._parameters)} does not answer: {reason}") from None
        failure = Unreachable(f"{_place(self._parameters)} does not answer: it has no address")
        for target in sorted(targets, key=lambda each: each != self._answered):
            try:
                connected = self._connect(target)
            except Unreachable as error:
                failure = error
            else:
                self._answered = target
                return connected
        raise failure

    def _connect(self, target: dict[str, str]) -> RawConnection:
        raw = _connect(target)
        try:
            pid = _pid(raw, target)
            # The key of a pooler opens a session of the pooler's, not of the server's.
            if pid != raw.info.backend_pid:
                self._check_pooler(raw, target)
                _ask(raw, target, "DISCARD ALL")  # what others left, where it resets nothing
            _ask(raw, target, _SET, [list(self._settings), list(self._settings.values())])
            taken = _ask(raw, target, TAKE_ROLES).fetchone() if self._isolated else None
        except BaseException:
            raw.close()
            raise
        return RawConnection(raw, pid, Roles(*taken[:2]) if taken else None)

    def _check_pooler(self, raw: Any, target: dict[str, str]) -> None:
        with self._checking:
            if target not in self._checked:
                _check_sessions(raw, target, self._sessions)
                self._checked.append(target)


def _check_sessions(raw: Any, target: dict[str, str], needed: int) -> None:
    """Refuse a pooler whose sessions are not ours while we are connected; tell of one too small.

    Each of several connections is asked twice for its session. Where sessions are shared, either
    two connections have the same, or one has another than before, whichever the pooler lends next.
    """
    others: list[Any] = []
    try:
        while len(others) + 1 < needed:
            try:
                others.append(_connect(target))
                _pid(others[-1], target)  # a pooler lets in before it has a session to lend
            except Unreachable:
                lent = {"sessions": max(len(others), 1), "needed": needed}
                _LOG.warning("postgres.pooler_small", extra={**lent, "advice": _SMALL})
                break
        answering = [raw, *(each for each in others if not each.isexecuting())]
        pids = [(_pid(each, target), _pid(each, target)) for each in answering]
    finally:
        for each in others:
            each.close()
    if any(first != second for first, second in pids) or len(dict(pids)) < len(pids):
        raise Refused(f"{_place(target)} {_SHARED}")


def _connect(parameters: dict[str, str]) -> Any:
    """Connect to one address. libpq keeps no time limit of an asynchronous connection: we do."""
    try:
        raw = psycopg2.connect(extensions.make_dsn(**parameters), async_=1)
    except psycopg2.Error as error:
        raise _failure(error, parameters) from None
    _settle(raw, parameters)
    return raw


def _pid(raw: Any, parameters: dict[str, str]) -> int:
    return int(_ask(raw, parameters, "SELECT pg_backend_pid()").fetchone()[0])


def _ask(raw: Any, parameters: dict[str, str], sql: str, values: list[object] | None = None) -> Any:
    """Run one statement, and return its cursor."""
    cursor = raw.cursor()
    cursor.execute(sql, values)
    _settle(raw, parameters)
    return cursor


def _settle(raw: Any, parameters: dict[str, str]) -> None:
    """Wait until the connection has nothing more to do, or raise Unreachable."""
    ends = time.monotonic() + CONNECT_TIMEOUT
    try:
        while (state := raw.poll()) != extensions.POLL_OK:
            poller = select.poll()
            poller.register(
                raw.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
            )
            if not poller.poll(max(0.0, ends - time.monotonic()) * 1000):
                silence = f"no word in {CONNECT_TIMEOUT:.0f} seconds"
                raise Unreachable(f"{_place(parameters)} does not answer: {silence}")
    except psycopg2.Error as error:
        raise _failure(error, parameters) from None


def _place(parameters: Mapping[str, str]) -> str:
    """Name where we connect, as it was given to us, and nothing that could be of a password."""
    host = parameters.get("host") or parameters.get("hostaddr") or os.environ.get("PGHOST")
    if "@" in parameters.get("dbname", ""):
        return "PostgreSQL"  # A password with a bare slash: what seems to be the host is not.
    if not host or host[0] in "/@":
        return f"PostgreSQL at {host or 'its local socket'}"
    port = parameters.get("port") or os.environ.get("PGPORT") or "5432"
    return f"PostgreSQL at {f'[{host}]' if ':' in host else host}:{port}"


def _failure(error: psycopg2.Error, parameters: Mapping[str, str]) -> Unreachable:
    """Return what libpq says, in one line without the address, which it repeats."""
    line = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    reason = _PREAMBLE.sub("", line)
    severity, colon, told = reason.partition(":  ")
    if not colon:
        return Unreachable(f"{_place(parameters)} does not answer: {severity}")
    # A severity is what a server says: it has answered.
    said = f"{_place(parameters)} refuses the connection: {told}"
    return Refused(said + _OPTIONS) if "startup parameter" in told else Unreachable(said)
