"""Admin API call: one request, read and allowed, and what it is answered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from porta.administration.access import Caller
from porta.administration.downloads import Download
from porta.audit.actors import Actor
from porta.errors import NotFound
from porta.runtime import Runtime
from porta.security.passwords import Hashed
from porta.services.commands import Command
from porta.text.timestamps import spell_timestamp
from storage.repositories.columns import is_id
from storage.router import Storage

M = TypeVar("M", bound=Command)
T = TypeVar("T")


class Shown(BaseModel):
    """What is answered: names in camelCase, taken from a record or given."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        from_attributes=True,
        frozen=True,
    )


Keep = Callable[[Storage, "Answer"], Awaitable[None]]
Moment = Annotated[
    float,
    PlainSerializer(spell_timestamp, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""Seconds since the epoch, which travel as text."""


class Nothing(Command):
    """A body, or a query, without any field."""


class Data(Shown, Generic[T]):
    """One thing, in the envelope that every answer has."""

    data: T


class Items(Shown, Generic[T]):
    """All there are, in the envelope of a list."""

    data: tuple[T, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and allowed: what a route is handed."""

    runtime: Runtime
    storage: Storage
    """A transaction where the route changes something; what raises leaves no trace."""
    caller: Caller | None
    path: Mapping[str, str]
    """The placeholders of the path by name, as they were sent."""
    query: Command
    body: Command
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those of the request, by their names in lower case."""
    version: int | None = None
    """The version that the caller wants to change (`If-Match`); None takes any."""
    prepared: object = None
    """What `Route.prepare` made of the body."""
    raw: bytes | None = None
    """The body as it is, of a route that takes it in the place of JSON."""
    keep: Keep | None = None
    """Of a route that opens its transactions itself: keeps its answer in the one of the change."""
    last_event_id: str | None = None
    """The last event that the caller of a stream has (`Last-Event-ID`, HTML §9.2.4)."""

    @property
    def actor(self) -> Actor:
        """Who asks, of a route that is not public."""
        assert self.caller is not None
        return self.caller.actor

    def id(self, name: str) -> str:
        """Return the id at a placeholder of the path. Raises NotFound for what can be none."""
        value = self.path[name]
        if not is_id(value):
            raise NotFound("Not found")
        return value.lower()

    def query_as(self, model: type[M]) -> M:
        """Return the query as the model that the route names for it."""
        assert isinstance(self.query, model)
        return self.query

    @property
    def hashed(self) -> Hashed | None:
        """Return the hash that was prepared, if there is one."""
        return self.prepared if isinstance(self.prepared, Hashed) else None

    def body_as(self, model: type[M]) -> M:
        """Return the body as the model that the route names for it."""
        assert isinstance(self.body, model)
        return self.body


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream: its data, and the id by which a caller goes on after it."""

    data: BaseModel | None
    """None where nothing has happened, and `id` is what to go on after by now."""
    id: str | None = None
    """One line; None for what nobody can go on after."""
    name: str = "message"
    """One line: its type, which scripts listen to."""


Events = AsyncGenerator[Event, None]
"""A stream, which is closed when its caller goes away."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers: a model to be sent, or nothing (204); with the tag of its version."""

    body: BaseModel | None = None
    version: int | None = None
    """Of what is answered: its ETag."""
    status: int | None = None
    """Where it is another than that of the route."""
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    """What is sent as it is, its Content-Type among the headers."""
    events: Events | None = None
    """What is sent as it happens, of a route that is a stream; begun after the answer has."""
    download: Download | None = None
    """A file that is sent while it is made."""
