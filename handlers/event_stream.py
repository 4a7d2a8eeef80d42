"""Event stream: an answer that goes on, by server-sent events (HTML §9.2).

A stream never outlives what lets it be read: what admitted its request is asked again before an
event is sent, and at each heartbeat. It ends with its source, with its connection, with the
process, and after LONGEST seconds; a caller comes back with `Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from time import monotonic
from typing import TYPE_CHECKING, cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from handlers.http.timeouts import Phase, Stream
from porta.administration.call import Event, Events
from porta.errors import Invalid

if TYPE_CHECKING:
    from handlers.base import PortaHandler

MAX_EVENT_ID = 200
"""Characters."""
HEARTBEAT = 15.0
"""Seconds of silence, after which a comment tells proxies and clients that nobody has gone."""
LONGEST = 3600.0
"""Seconds of one stream."""
_FRESH = 1.0  # seconds that a permission is believed in
_RETRY = 3000  # milliseconds after which a client comes back
_EVENT_ID = re.compile(rf"[!-~]{{1,{MAX_EVENT_ID}}}")

Check = Callable[[], Awaitable[None]]
"""Raises what the stream ends with, once it may no longer be read."""


def parse_last_event_id(values: list[str]) -> str | None:
    """Return the id that a client has last seen (HTML §9.2.4). Raises Invalid."""
    if not values or values == [""]:
        return None
    if len(values) > 1 or not _EVENT_ID.fullmatch(values[0]):
        raise Invalid("Last-Event-ID is malformed")
    return values[0]


async def send(handler: PortaHandler, events: Events, check: Check, end: asyncio.Event) -> None:
    """Send `events` until they end, or `end` is set, or their reader has gone.

    Raises what they or `check` raise.
    """
    connection = cast(HTTP1Connection, handler.request.connection)
    connection.set_close_callback(end.set)
    if connection.stream.closed():
        end.set()
    handler.set_header("Content-Type", "text/event-stream")
    handler.set_header("X-Accel-Buffering", "no")  # nginx would keep events until there are many
    writer = _Writer(handler, cast(Stream, connection.stream), check)
    async with aclosing(events):
        with suppress(StreamClosedError):
            await writer.write(f"retry: {_RETRY}\n\n")
            await _pump(events, writer, end)


async def _pump(events: Events, writer: _Writer, end: asyncio.Event) -> None:
    last = monotonic() + LONGEST
    ended = asyncio.ensure_future(end.wait())
    coming = asyncio.ensure_future(anext(events))
    try:
        while monotonic() < last:
            await asyncio.wait(
                {ended, coming}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED
            )
            if end.is_set():
                return
            await writer.check()
            if not coming.done():
                await writer.write(":\n\n")
                continue
            try:
                event = coming.result()
            except StopAsyncIteration:
                return
            await writer.write(spell(event))
            coming = asyncio.ensure_future(anext(events))
    finally:
        ended.cancel()
        coming.cancel()
        await asyncio.gather(ended, coming, return_exceptions=True)


def spell(event: Event) -> str:
    """Return an event as it is sent (HTML §9.2.5); JSON has no line breaks of its own.

    One without data is no event to whoever reads, and its id is kept all the same (§9.2.6).
    """
    if event.data is None:
        return f"id: {event.id}\n\n"
    data = event.data.model_dump_json(by_alias=True)
    id = f"id: {event.id}\n" if event.id is not None else ""
    return f"event: {event.name}\n{id}data: {data}\n\n"


class _Writer:
    """Writes to a reader who may be slow, and may lose the right to read."""

    def __init__(self, handler: PortaHandler, stream: Stream, check: Check) -> None:
        self._handler = handler
        self._stream = stream
        self._check = check
        self._checked = monotonic()

    async def check(self) -> None:
        if monotonic() - self._checked >= _FRESH:
            await self._check()
            self._checked = monotonic()

    async def write(self, text: str) -> None:
        """Send `text`; waits until it has left, within the patience for an answer."""
        self._handler.write(text)
        self._stream.enter(Phase.ANSWER)
        await self._handler.flush()
