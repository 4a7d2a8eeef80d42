"""Admin API route: method, path, permission, models; OpenAPI, handler and tests read it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import BaseModel

from handlers.http.framing import MAX_BODY
from porta.administration.call import Answer, Call, Nothing
from porta.services.commands import Command

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SEGMENT = "[^/]+"
EVENT_STREAM = "text/event-stream"

Run = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    `permissions` are all needed; none asks for a token only, and `public` for nothing. Whoever
    administers one organization has the routes that are `delegable`; in these, the service sees to
    it that they meet nothing of another one.
    """

    method: str
    path: str
    """Below /api/admin, with `{placeholders}`."""
    summary: str
    run: Run
    permissions: tuple[str, ...] = ()
    response: type[BaseModel] | None = None
    """None: 204, without a body."""
    request: type[Command] | None = None
    query: type[Command] = Nothing
    status: int = 200
    errors: tuple[int, ...] = ()
    """Statuses beside those that every route may answer, or that follow from its parts. With 412
    it reads `If-Match`, and what it changes has versions."""
    also: tuple[int, ...] = ()
    """Statuses of success beside `status`, with the same body; 204 has none."""
    media_type: str = "application/json"
    """Of what is answered."""
    text_type: str | None = None
    """Another media type of the same, as a text."""
    raw_types: tuple[str, ...] = ()
    """Media types of a body that is taken as it is, in the place of JSON."""
    raw_answers: tuple[str, ...] = ()
    """Media types of an answer that is no JSON: bytes as they are."""
    public: bool = False
    delegable: bool = False
    prepare: Callable[[Call], Awaitable[object]] | None = None
    """What takes long, and is done before the transaction begins: that would hold a connection of
    the pool all the while. What it returns is `Call.prepared`."""
    optional_body: bool = False
    """Whether the body may be left out, and is then one without any field."""
    opens_transactions: bool = False
    """Whether it runs in none, and opens those that it needs itself."""
    longest_body: int = MAX_BODY
    """Bytes that it takes."""

    @property
    def changes(self) -> bool:
        """Whether it runs in a transaction."""
        return self.method != "GET"

    @property
    def is_conditional(self) -> bool:
        """Whether it changes what has versions, and `If-Match` names the one that is meant."""
        return HTTPStatus.PRECONDITION_FAILED in self.errors

    @property
    def is_stream(self) -> bool:
        """Whether it answers by server-sent events, whose data are the model of its response."""
        return self.media_type == EVENT_STREAM

    @property
    def placeholders(self) -> tuple[str, ...]:
        return tuple(_PLACEHOLDER.findall(self.path))

    @property
    def pattern(self) -> str:
        """The regular expression of its path, as Tornado matches it."""
        parts = re.split(r"\{\w+\}", self.path)
        return f"({_SEGMENT})".join(map(re.escape, parts))

    @property
    def success(self) -> int:
        return self.status if self.response is not None or self.raw_answers else 204

    @property
    def failures(self) -> tuple[int, ...]:
        """Every status that refuses, in order."""
        found = {400, 429, 500, 503, *self.errors}
        if not self.public:
            found |= {401}
        if self.permissions or not self.delegable:
            found |= {403}
        if self.placeholders:
            found |= {404}
        if self.changes:
            found |= {409, 412}
        if self.request is not None:
            found |= {413, 415}
        if self.method == "POST":
            found |= {422}
        return tuple(sorted(found))
