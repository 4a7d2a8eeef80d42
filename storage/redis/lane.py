"""Redis lane: commands, pipelines, scripts over one connection that reconnects with back-off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from functools import partial
from typing import Any

from storage.errors import Refused, Unreachable
from storage.redis.backoff import LEAST_PAUSE, pauses
from storage.redis.client import TRIAL, TRIAL_KEY, Call, Script, guarded_set
from storage.redis.connect import connect
from storage.redis.connection import SILENT, Address, Command, Refusal, Wire, Word
from storage.redis.error_replies import code_of, failure_of
from storage.redis.urls import RedisUrl, Topology, parse_redis_url

_LOG = logging.getLogger(__name__)
_WRONG_SERVER = frozenset({"READONLY", "MASTERDOWN", "NOAUTH"})
"""Refusals that a new connection may cure: after a failover this server became a replica."""
_WAIT_FOR_CURE = 1.0
"""Seconds a new connection is kept whatever it says: it cured nothing, and others use it too."""
DEADLINE = 0.5
"""Seconds for connecting, and for each pipeline, where the settings do not say otherwise."""
MAX_PENDING = 10_000
"""Pipelines that may wait for an answer of one server."""
Locate = Callable[[], Awaitable[Address]]
"""Tells where to connect, each time anew; raises Unreachable."""


class Redis:
    """A client of one Redis, over one connection.

    A lost connection is connected anew with growing pauses, which end early when somebody calls:
    callers wait for the next attempt, and fail with it. Where the server says nothing at all,
    they fail at once instead until an attempt succeeds. A command under way when the connection
    is lost is never repeated: it may have run.
    """

    def __init__(self, place: str, locate: Locate, deadline: float, max_pending: int) -> None:
        self.place = place
        self.round_trips = 0
        self._locate = locate
        self._deadline = deadline
        self._max_pending = max_pending
        self._waiters = 0
        self._wire: Wire | None = None
        self._reconnecting: asyncio.Task[None] | None = None
        self._attempt: asyncio.Future[Wire] | None = None
        self._needed = asyncio.Event()
        self._connected_at = 0.0
        self._failure = Unreachable(f"{place} does not answer: not connected")
        """Why the last attempt to connect failed."""
        self._closed = False

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        deadline: float = DEADLINE,
        max_pending: int = MAX_PENDING,
        patient: bool = False,
    ) -> Redis:
        """Connect to the server of a `redis://`, or to the primary of a `redis+sentinel://`.

        `deadline` is in seconds, for connecting and for each pipeline. More than `max_pending`
        pipelines waiting for an answer are refused. Raises Refused where it is answered that
        the URL is wrong, ValueError for another kind of URL, and Unreachable where nothing
        answers; one who is `patient` gets a client all the same, that connects when it can.
        """
        parsed = parse_redis_url(url)
        if parsed.topology is Topology.CLUSTER:
            raise ValueError("a cluster is more than one server")
        redis = cls(parsed.place, _locating(parsed, deadline), deadline, max_pending)
        try:
            redis._take(await redis._connect())
        except Refused:
            raise
        except Unreachable as failure:
            if not patient:
                raise
            redis._failure = failure
            redis._reconnect(at_once=False)
        return redis

    @classmethod
    def connecting(cls, address: Address, deadline: float) -> Redis:
        """Return a client of one server that is being connected to: who calls it waits for that."""
        redis = cls(address.place, _fixed(address), deadline, MAX_PENDING)
        redis._reconnect(at_once=True)
        return redis

    async def command(self, *words: Word) -> Any:
        (reply,) = await self.exchange([words])
        self._check(reply)
        return reply

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        if not commands:
            return []
        replies = await self.exchange(commands)
        for reply in replies:
            self._check(reply)
        return replies

    async def script(self, script: Script, keys: Sequence[Word], args: Sequence[Word] = ()) -> Any:
        words = (len(keys), *keys, *args)
        (reply,) = await self.exchange([("EVALSHA", script.sha, *words)])
        if isinstance(reply, Refusal) and code_of(reply) == "NOSCRIPT":
            (reply,) = await self.exchange([("EVAL", script.source, *words)])
        self._check(reply)
        return reply

    async def guarded_set(self, guard: Call, key: Word, value: Word, milliseconds: int) -> Any:
        return await self.script(*guarded_set(guard, key, value, milliseconds))

    async def ping(self) -> None:
        await self.command("PING")

    async def try_write(self) -> None:
        await self.script(TRIAL, [TRIAL_KEY])

    async def close(self) -> None:
        self._closed = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
            await asyncio.wait([self._reconnecting])
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Return one reply each; a Refusal stands where the command was refused."""
        wire = self._wire or await self._reconnected()
        if wire.backlog >= self._max_pending:
            raise Unreachable("Redis: too many commands wait for an answer")
        self.round_trips += 1
        return await wire.send(commands)

    def _check(self, reply: Any) -> None:
        """Raise what a refusal means, and leave a server that is not the one to write to."""
        if not isinstance(reply, Refusal):
            return
        code = code_of(reply)
        age = asyncio.get_running_loop().time() - self._connected_at
        if code in _WRONG_SERVER and self._wire is not None and age > _WAIT_FOR_CURE:
            self._wire.abort(code)
        raise failure_of(reply)

    async def _reconnected(self) -> Wire:
        attempt = self._attempt
        if attempt is None or self._waiters >= self._max_pending:
            raise Unreachable(str(self._failure))
        self._waiters += 1
        self._needed.set()
        try:
            return await asyncio.shield(attempt)
        finally:
            self._waiters -= 1

    def _take(self, wire: Wire) -> None:
        self._wire = wire
        self._connected_at = asyncio.get_running_loop().time()

    def _on_lost(self, wire: Wire, reason: str) -> None:
        if wire is not self._wire or self._closed:
            return
        _LOG.debug("redis.lost", extra={"reason": reason})
        self._wire = None
        self._failure = Unreachable(f"{self.place} does not answer: {reason}")
        # One who waited for a silent server has waited long enough.
        self._reconnect(at_once=reason != SILENT)

    def _reconnect(self, *, at_once: bool) -> None:
        """Try until connected; callers wait for the first attempt where it is made `at_once`."""
        loop = asyncio.get_running_loop()
        self._attempt = loop.create_future() if at_once else None
        # In no request's context: it outlives the one whose command found the connection lost.
        self._reconnecting = loop.create_task(self._connect_until_up(), context=Context())

    async def _connect_until_up(self) -> None:
        try:
            for pause in pauses():
                await self._rest(pause)
                try:
                    wire = await self._connect()
                except Unreachable as failure:
                    self._failure = failure
                    self._fail_waiters(failure)
                    if not isinstance(failure.__cause__, TimeoutError):
                        self._attempt = asyncio.get_running_loop().create_future()
                    continue
                _LOG.debug("redis.connected")
                self._take(wire)
                attempt, self._attempt = self._attempt, None
                if attempt is not None:
                    attempt.set_result(wire)
                return
        finally:
            self._fail_waiters(Unreachable("Redis: closed"))

    async def _rest(self, pause: float) -> None:
        """Wait for `pause` seconds, or until somebody needs the connection."""
        await asyncio.sleep(min(pause, LEAST_PAUSE))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(pause - LEAST_PAUSE, 0)):
                await self._needed.wait()
        self._needed.clear()

    def _fail_waiters(self, failure: Unreachable) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.set_exception(failure)
            attempt.exception()  # Marks it as seen: perhaps nobody waits for it.

    async def _connect(self) -> Wire:
        try:
            async with asyncio.timeout(self._deadline):
                address = await self._locate()
        except TimeoutError as failure:
            raise Unreachable(f"{self.place} does not answer: {SILENT}") from failure
        return await connect(address, self._deadline, self._on_lost)


def _locating(url: RedisUrl, deadline: float) -> Locate:
    if url.topology is Topology.SENTINEL:
        from storage.redis.discovery import locate_primary  # dear: not for one server

        return partial(locate_primary, url, deadline)
    return _fixed(url.address(url.places[0]))


def _fixed(address: Address) -> Locate:
    async def locate() -> Address:
        return address

    return locate
