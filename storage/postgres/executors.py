"""Statement executors: one connection of its own, or whichever of a pool is free."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Generic, Protocol, TypeVar

from storage.errors import StorageError
from storage.postgres.notifications import NotificationListener
from storage.postgres.pool import Pool, Pooled
from storage.postgres.statement import Parameters, Row, Statement
from storage.postgres.tenancy import NOTHING, Everywhere, Roles, entering, view_of


class Runner(Pooled, Protocol):
    """What is asked of the connection underneath, beyond what the pool asks."""

    @property
    def answer(self) -> str: ...

    @property
    def rowcount(self) -> int: ...

    @property
    def roles(self) -> Roles | None: ...

    async def run(
        self,
        sql: str | Statement,
        parameters: Parameters | None = None,
        begin: str = "",
        enter: str = "",
    ) -> None: ...

    def rows(self) -> list[Row]: ...

    async def next_notification(self) -> str: ...


W = TypeVar("W", bound=Runner)


class Connection:
    """An executor on one connection. `count` is called once for each message sent."""

    def __init__(self, wire: Runner, count: Callable[[], None]) -> None:
        self._wire = wire
        self._count = count
        self._begin = ""
        self._standing: str | None = None
        """What the last statement of the transaction saw; None outside of one."""

    async def fetch(
        self, sql: str | Statement, parameters: Parameters | None = None, view: str | None = None
    ) -> list[Row]:
        """Run one statement and return its rows."""
        await self._run(sql, parameters, view)
        return self._wire.rows()

    async def fetchrow(
        self, sql: str | Statement, parameters: Parameters | None = None, view: str | None = None
    ) -> Row | None:
        """Run one statement and return its first row, or None."""
        rows = await self.fetch(sql, parameters, view)
        return rows[0] if rows else None

    async def execute(
        self, sql: str | Statement, parameters: Parameters | None = None, view: str | None = None
    ) -> int:
        """Run one statement, or several without parameters; return how many rows it touched."""
        await self._run(sql, parameters, view)
        return self._wire.rowcount

    @property
    def everywhere(self) -> Everywhere:
        """The same, where statements see the rows of every organization."""
        return Everywhere(self)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Commit what is run inside, or roll it back when an exception leaves the block.

        BEGIN travels with the first statement; a block without one sends nothing.
        """
        self._begin, self._standing = "BEGIN;", NOTHING
        try:
            yield self
        except BaseException:
            if not self._wire.busy and not self._wire.clean:
                # On a lost connection nothing stands that could be rolled back.
                with suppress(StorageError):
                    await self._send("ROLLBACK", None)
            raise
        else:
            await self._commit()
        finally:
            self._begin, self._standing = "", None

    async def _commit(self) -> None:
        if self._begin:
            return
        await self._send("COMMIT", None)
        if self._wire.answer != "COMMIT":
            raise StorageError("a statement failed in this transaction: it was rolled back")

    async def _run(
        self, sql: str | Statement, parameters: Parameters | None, view: str | None
    ) -> None:
        view = view_of(parameters) if view is None else view
        enter = entering(self._wire.roles, view, self._standing or NOTHING)
        if self._standing is not None:
            self._standing = view
        await self._send(sql, parameters, enter)

    async def _send(
        self, sql: str | Statement, parameters: Parameters | None, enter: str = ""
    ) -> None:
        begin, self._begin = self._begin, ""
        self._count()
        await self._wire.run(sql, parameters, begin, enter)


class PooledExecutor(Generic[W]):
    """The executor on whichever connection is free, and the way to one of one's own."""

    def __init__(self, connect: Callable[[], Awaitable[W]], *, size: int, deadline: float) -> None:
        self._connect = connect
        self._pool = Pool(connect, size=size, deadline=deadline)
        self._listener: NotificationListener | None = None
        self.round_trips = 0
        """Messages sent since the start."""

    async def close(self) -> None:
        """Stop listening, and close every connection."""
        if self._listener is not None:
            await self._listener.close()
        await self._pool.close()

    async def fetch(
        self, sql: str | Statement, parameters: Parameters | None = None, view: str | None = None
    ) -> list[Row]:
        """Run one statement and return its rows."""
        wire = self._pool.take() or await self._pool.wait()
        self.round_trips += 1
        try:
            await wire.run(sql, parameters, enter=_enter(wire, parameters, view))
            return wire.rows()
        finally:
            self._pool.give(wire)

    async def fetchrow(
        self, sql: str | Statement, parameters: Parameters | None = None, view: str | None = None
    ) -> Row | None:
        """Run one statement and return its first row, or None."""
        rows = await self.fetch(sql, parameters, view)
        return rows[0] if rows else None

    async def execute(
        self, sql: str | Statement, parameters: Parameters | None = None, view: str | None = None
    ) -> int:
        """Run one statement and return the number of rows it touched."""
        wire = self._pool.take() or await self._pool.wait()
        self.round_trips += 1
        try:
            await wire.run(sql, parameters, enter=_enter(wire, parameters, view))
            return wire.rowcount
        finally:
            self._pool.give(wire)

    @property
    def everywhere(self) -> Everywhere:
        """The same, where statements see the rows of every organization."""
        return Everywhere(self)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection for as long as the block lasts."""
        wire = self._pool.take() or await self._pool.wait()
        try:
            yield Connection(wire, self._count)
        finally:
            self._pool.give(wire)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction on one connection: committed at the end of the block."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @property
    def answers(self) -> int:
        """How often a connection came from its server, or back from a user whom it answered."""
        return self._pool.answers

    def listen(self, callback: Callable[[str, str], None]) -> None:
        """Call back with (table, key) when a row of configuration changed, on any instance.

        With ("*", "") when changes may have been missed.
        """
        self._listener = NotificationListener(self._connect, callback, demoted=self._pool.renew)

    @property
    def has_listener(self) -> bool:
        return self._listener is not None

    @property
    def listening(self) -> bool:
        """Whether notifications are proven to arrive."""
        return self._listener is not None and self._listener.listening

    def _count(self) -> None:
        self.round_trips += 1


def _enter(wire: Runner, parameters: Parameters | None, view: str | None) -> str:
    return entering(wire.roles, view_of(parameters) if view is None else view)
