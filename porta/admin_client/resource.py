"""What every resource of the Admin API has in common: how an answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, TypeVar

import msgspec

from porta.admin_client.errors import AdminApiError
from porta.admin_client.events import Events
from porta.admin_client.http import HttpAnswer
from porta.admin_client.listing import Listed, Page
from porta.admin_client.model import Entity, Model
from porta.admin_client.transport import Request, Transport, Value, query_of

T = TypeVar("T")
_Path = tuple[str, ...]


class Once(TypedDict, total=False):
    """What may be said of a POST."""

    idempotency_key: str
    """The same one makes it the same request, for 24 hours; without one each call is another."""


class Change(TypedDict, total=False):
    """What may be said of a change of what has no versions: nothing."""


class Condition(Change, total=False):
    """What may be said of a change."""

    if_match: str | None
    """The `etag` of what was read: PreconditionFailed tells that it is no longer so."""


class ConditionalOnce(Once, Condition, total=False):
    """What may be said of a POST that changes what has versions."""


class Unreadable(AdminApiError):
    """The answer is not what this version of the client knows."""


class _Envelope(msgspec.Struct):
    data: msgspec.Raw
    next_cursor: str | None = msgspec.field(default=None, name="nextCursor")


class Resource:
    """Routes of one kind of thing."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def _one(self, kind: type[T], method: str, path: _Path, **sent: Any) -> T:
        answer = await self._send(method, path, **sent)
        found = _decode(_decode(answer.content, _Envelope).data, kind)
        if isinstance(found, Entity):
            found = msgspec.structs.replace(found, etag=answer.headers.get("ETag"))
        return found

    async def _all(self, kind: type[T], method: str, path: _Path, **sent: Any) -> tuple[T, ...]:
        answer = await self._send(method, path, **sent)
        return tuple(_decode(_decode(answer.content, _Envelope).data, list[kind]))  # type: ignore[valid-type]

    async def _plain(self, kind: type[T], method: str, path: _Path, **sent: Any) -> T:
        return _decode((await self._send(method, path, **sent)).content, kind)

    async def _content(
        self, method: str, path: _Path, *, query: Mapping[str, Value] | None = None
    ) -> bytes:
        chunks: list[bytes] = []
        await self._transport.open(Request(method, path, query_of(query or {})), chunks.append)
        return b"".join(chunks)

    async def _nothing(self, method: str, path: _Path, **sent: Any) -> None:
        await self._send(method, path, **sent)

    def _events(
        self, kind: type[T], path: _Path, *, query: Mapping[str, Value] | None = None
    ) -> Events[T]:
        return Events(self._transport, Request("GET", path, query_of(query or {})), kind)

    def _pages(
        self,
        kind: type[T],
        path: _Path,
        *,
        page_size: int,
        query: Mapping[str, Value] | None = None,
    ) -> Listed[T]:
        async def fetch(cursor: str | None) -> Page[T]:
            asked = {**(query or {}), "limit": page_size, "cursor": cursor}
            answer = await self._send("GET", path, query=asked)
            envelope = _decode(answer.content, _Envelope)
            rows = _decode(envelope.data, list[kind])  # type: ignore[valid-type]
            return Page(tuple(rows), envelope.next_cursor)

        return Listed(fetch)

    async def _send(
        self,
        method: str,
        path: _Path,
        *,
        query: Mapping[str, Value] | None = None,
        body: Model | None = None,
        content: bytes | None = None,
        content_type: str = "application/json",
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> HttpAnswer:
        if body is not None:
            content = msgspec.json.encode(body)
        elif content is None and method in ("POST", "PUT", "PATCH"):
            content = b"{}"
        return await self._transport.send(
            Request(
                method,
                path,
                query_of(query or {}),
                content,
                content_type,
                if_match,
                idempotency_key,
            )
        )


def _decode(content: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise Unreadable(f"The server answered something else than was expected: {error}") from None
