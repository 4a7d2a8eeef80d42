"""PostgreSQL driver: the one door to aiopg, its connections under a pool of our own."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import Any, Self

import aiopg
import psycopg2
from aiopg.utils import ClosableQueue
from psycopg2 import errors, extensions

from storage.errors import AlreadyExists, Contended, NotPermitted, StorageError, Unreachable
from storage.postgres.connect import Connector, RawConnection
from storage.postgres.dsn import connection_parameters, parse, session_settings
from storage.postgres.executors import PooledExecutor
from storage.postgres.notifications import CHANNEL
from storage.postgres.statement import Parameters, Row, Statement

_STATEMENT_TIMEOUT = 3.0
_RAW_JSON = extensions.new_type((114, 3802), "RAW_JSON", lambda value, _cursor: value)
_NOT_OURS = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
"""What was prepared is not there, or was there before: the session is not the one it was."""
_CONTENDED = (errors.LockNotAvailable, errors.DeadlockDetected)
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="postgres-connect")


class PostgresConnection(aiopg.Connection):
    """A connection with the one cursor it keeps. One statement at a time."""

    def __init__(self, connected: RawConnection, cancel: Callable[[int], Awaitable[None]]) -> None:
        # aiopg's own constructor connects on the loop: names are resolved blocking it, and under
        # uvloop a refused attempt leaves a reader behind on a file number that is used again.
        self._loop = asyncio.get_running_loop()
        raw, self._pid, self.roles = connected
        self._conn = raw
        self._fileno: Any = raw.fileno()
        self._writing = False
        self._waiter: asyncio.Future[None] | None = None
        self._echo = False
        self._notifies: asyncio.Queue[Any] = asyncio.Queue()
        self._notifies_proxy = ClosableQueue(self._notifies, self._loop)
        self._weakref = weakref.ref(self)
        self._cancel = cancel
        self._cursor_kept = raw.cursor()
        self._prepared: dict[Statement, str] = {}
        self._attempts = 0
        self._lost = False
        self.demoted = False
        self.age = 0
        extensions.register_type(_RAW_JSON, raw)
        self._loop.add_reader(self._fileno, self._ready, self._weakref)

    @property
    def busy(self) -> bool:
        return self._waiter is not None

    @property
    def clean(self) -> bool:
        status = self._conn.get_transaction_status()
        return bool(status == extensions.TRANSACTION_STATUS_IDLE) and not self._lost

    @property
    def rowcount(self) -> int:
        return int(max(self._cursor_kept.rowcount, 0))

    @property
    def answer(self) -> str:
        return str(self._cursor_kept.statusmessage)

    def rows(self) -> list[Row]:
        cursor = self._cursor_kept
        return cursor.fetchall() if cursor.description else []

    async def run(
        self,
        sql: str | Statement,
        parameters: Parameters | None = None,
        begin: str = "",
        enter: str = "",
    ) -> None:
        """Send one message and wait for its answer; `begin` and `enter` are SQL to go before it.

        The first run of a Statement takes two, and `enter` holds for each of them.
        """
        if isinstance(sql, str):
            await self._send(begin + enter + sql, parameters)
            return
        if sql not in self._prepared:
            # In a message of its own: what is prepared outlives a statement that then fails, and
            # is not to be prepared again. Whoever was cancelled does not know: each attempt has its
            # own name.
            self._attempts += 1
            name = f"{sql.name}_{self._attempts}"
            said = self._cursor_kept.mogrify(enter, parameters).decode() if enter else ""
            await self._send(begin + said + sql.prepare(name), None)
            self._prepared[sql], begin = sql.execute(name), ""
        await self._send(begin + enter + self._prepared[sql], parameters)

    async def _send(self, text: str, parameters: Parameters | None) -> None:
        try:
            self._cursor_kept.execute(text, parameters)
            self._waiter = waiter = self._loop.create_future()
            self.age = 0
            self._ready(self._weakref)
            await waiter
        except psycopg2.Error as error:
            raise self._translate(error) from None

    @staticmethod
    def _ready(weak_self: weakref.ref[Any]) -> None:
        """Move the connection on, whenever its socket can be read or written."""
        self: PostgresConnection | None = weak_self()
        if self is None:
            return
        try:
            state = self._conn.poll()
        except psycopg2.Error as error:
            self._answered(error)
            if self.closed:
                self._close()
            return
        while self._conn.notifies:
            self._notifies.put_nowait(self._conn.notifies.pop(0))
        if (state == extensions.POLL_WRITE) is not self._writing:
            self._writing = not self._writing
            if self._writing:
                self._loop.add_writer(self._fileno, self._ready, weak_self)
            else:
                self._loop.remove_writer(self._fileno)
        if state == extensions.POLL_OK:
            self._answered(None)

    def _answered(self, error: Exception | None) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)

    async def next_notification(self) -> str:
        """Return the next notification as "table:key"; a channel of its own names the table."""
        try:
            told = await self.notifies.get()
            if told.channel == CHANNEL:
                return str(told.payload)
            return f"{told.channel.removeprefix('porta_')}:{told.payload}"
        except psycopg2.Error as error:
            raise self._translate(error) from None

    def expire(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(Unreachable("the database does not answer in time"))

    async def rescue(self) -> bool:
        if await self._settled(0.1):
            return True
        with contextlib.suppress(StorageError):
            await self._cancel(self._pid)
        return await self._settled(1.0)

    async def _settled(self, seconds: float) -> bool:
        if self._waiter is not None:
            self._waiter = waiter = self._loop.create_future()
            with contextlib.suppress(TimeoutError, Unreachable, psycopg2.Error):
                await asyncio.wait_for(waiter, seconds)
        return self._waiter is None and not self.closed

    def drop(self) -> None:
        self._answered(psycopg2.OperationalError("connection closed"))
        self._close()

    def _close(self) -> None:
        super()._close()
        # The next socket of this process may get the same number: it is not ours to unregister.
        self._fileno = None

    def _translate(self, error: psycopg2.Error) -> StorageError:
        if isinstance(error, errors.UniqueViolation):
            return AlreadyExists(error.diag.constraint_name or "")
        if isinstance(error, errors.ReadOnlySqlTransaction):
            self.demoted = True
        elif isinstance(error, _NOT_OURS):
            self._lost = True
        elif not isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
            # Never the whole text: it quotes the statement, and with it what was to be stored.
            refused = isinstance(error, errors.InsufficientPrivilege)
            refusal = NotPermitted if refused else StorageError
            return refusal(f"{type(error).__name__}: {error.diag.message_primary}")
        kind = Contended if isinstance(error, _CONTENDED) else Unreachable
        return kind(f"{type(error).__name__}: {error.diag.message_primary or error}".strip())


class Postgres(PooledExecutor[PostgresConnection]):
    """A pool of connections to one PostgreSQL database."""

    @classmethod
    async def open(
        cls,
        dsn: str,
        size: int = 10,
        *,
        statement_timeout: float = _STATEMENT_TIMEOUT,
        settings: Mapping[str, str] = MappingProxyType({}),
        isolated: bool = False,
    ) -> Self:
        """Return a pool of up to `size` connections; the first is made when it is needed.

        `dsn` is a URL or libpq's key=value form; `statement_timeout` is in seconds, 0 for none;
        `settings` are further ones of each session, and left out where the server knows none.
        `isolated` connections take the role of the service, where the database has one for us
        (`isolation.py`); others are whoever `dsn` names, as a migration has to be.
        Raises DsnInvalid for anything else.
        """
        parameters = connection_parameters(parse(dsn))
        settings = {**session_settings(statement_timeout), **settings}
        deadline = statement_timeout + 0.5 if statement_timeout else float("inf")
        connector = Connector(parameters, settings, size + 1, isolated)  # one more listens
        return cls(partial(_connect, connector), size=size, deadline=deadline)


async def _connect(connector: Connector) -> PostgresConnection:
    loop = asyncio.get_running_loop()
    connected = await loop.run_in_executor(_threads, connector.connect)
    return PostgresConnection(connected, partial(_cancel_backend, connector))


async def _cancel_backend(connector: Connector, pid: int) -> None:
    # By a second connection: psycopg2's own cancel() holds up the whole interpreter while it
    # waits for a server that does not answer.
    wire = await _connect(connector)
    try:
        async with asyncio.timeout(1.0):
            # Who is cancelled logged in as we did: the role of the service has no right to it.
            await wire.run("SET ROLE NONE; SELECT pg_cancel_backend(%(pid)s)", {"pid": pid})
    except TimeoutError as error:
        raise Unreachable("the statement cannot be cancelled") from error
    finally:
        wire.drop()
