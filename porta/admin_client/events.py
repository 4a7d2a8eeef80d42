"""Server-sent events: read as they come, and gone on with where a stream ended (HTML §9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec

from porta.admin_client.errors import AdminApiError, NoAnswer, Unauthenticated, refusal
from porta.admin_client.http import OnChunk
from porta.admin_client.transport import Request, Transport

T = TypeVar("T")
_LONGEST_LINE = 2**20
_ATTEMPTS = 5
_FIRST_WAIT = 0.5


class _Status(msgspec.Struct):
    status: int = 500


class Events(Generic[T]):
    """What happens to something, until nothing more will: `async with admin.jobs.events(id)`.

    A stream that ends, or is lost, is taken up again after the last event that came, so that none
    is missed and none comes twice; with a newer token, where its token is over.
    """

    def __init__(self, transport: Transport, request: Request, kind: type[T]) -> None:
        self._transport, self._request, self._kind = transport, request, kind
        self._coming: asyncio.Queue[T | AdminApiError | None] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None
        self._has_come = False
        self._expired: Unauthenticated | None = None

    async def __aenter__(self) -> Self:
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        """Return the next event. Raises Refused, NoAnswer."""
        assert self._reading is not None, "it is opened by `async with`"
        found = await self._coming.get()
        if found is None:
            raise StopAsyncIteration
        if isinstance(found, AdminApiError):
            raise found
        return found

    async def _read(self) -> None:
        try:
            await self._until_nothing_comes()
        except AdminApiError as error:
            self._coming.put_nowait(error)
        else:
            self._coming.put_nowait(None)

    async def _until_nothing_comes(self) -> None:
        failures = 0
        while True:
            self._has_come, self._expired = False, None
            try:
                answer = await self._transport.open(self._request, self._listener())
            except NoAnswer:
                failures = 0 if self._has_come else failures + 1
                if failures >= _ATTEMPTS:
                    raise
            else:
                if answer.status == 204:
                    return
                expired = self._expired
                if expired and not (self._has_come and await self._transport.renew()):
                    raise expired
                failures = 0 if self._has_come else min(failures + 1, _ATTEMPTS)
            await asyncio.sleep(_FIRST_WAIT * 2**failures)

    def _listener(self) -> OnChunk:
        parser = Parser()

        def take(chunk: bytes) -> None:
            try:
                for event in parser.feed(chunk):
                    self._take(*event)
            except Unauthenticated as error:
                self._expired = error  # and the stream ends
            except (AdminApiError, msgspec.MsgspecError) as error:
                self._coming.put_nowait(_told(error))
                assert self._reading is not None
                self._reading.cancel()

        return take

    def _take(self, name: str, id: str | None, data: str) -> None:
        if name == "error":
            status = msgspec.json.decode(data, type=_Status).status
            raise refusal(status, data.encode(), request_id=None, retry_after=None)
        if data:
            self._coming.put_nowait(msgspec.json.decode(data, type=self._kind))
        self._has_come = True
        if id is not None:
            self._request = replace(self._request, last_event_id=id)


def _told(error: AdminApiError | msgspec.MsgspecError) -> AdminApiError:
    if isinstance(error, AdminApiError):
        return error
    return AdminApiError(f"An event is not what was expected: {error}")


class Parser:
    """The lines of a stream, put together to events (HTML §9.2.6)."""

    def __init__(self) -> None:
        self._rest = b""
        self._name, self._data = "", list[str]()
        self._id: str | None = None
        self._has_id = False

    def feed(self, chunk: bytes) -> Iterator[tuple[str, str | None, str]]:
        """Yield the name, id and data of each event that is whole. Raises NoAnswer.

        One without data has not happened: its id is what to go on after.
        """
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            raise NoAnswer("a line of the stream does not end", was_sent=True)
        for line in lines:
            text = line.removesuffix(b"\r").decode("utf-8", "replace")
            if text:
                self._read(text)
            elif self._data or self._has_id:
                yield self._name, self._id, "\n".join(self._data)
                self._name, self._data, self._has_id = "", [], False

    def _read(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self._id, self._has_id = value, True
