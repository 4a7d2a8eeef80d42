"""Audit trail: the one way to record an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from porta.audit.actors import SYSTEM, Actor
from porta.audit.entries import authenticated
from porta.audit.event_types import BY_THEMSELVES, EVENTS, LOGGED
from porta.limits.origin import Origin
from porta.observability import log
from storage.models.events import Event

if TYPE_CHECKING:
    from storage.databases import Stamp
    from storage.router import Storage

E = TypeVar("E", bound=Event)
_TOLD = ("client_id", "reason", "method", "failed_count")
"""Of the metadata, what that line tells: nothing that a person could be found by."""


async def record(
    storage: Storage,
    event_type: str,
    *,
    organization_id: str | None = None,
    user_id: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    actor: Actor = SYSTEM,
    origin: Origin | None = None,
) -> None:
    """Write an event down where `storage` stands: inside the transaction, if it is one.

    `user_id` is the person it happened to, `actor` who did it; `origin` is the actor's unless
    given. Raises ValueError for a type that EVENTS does not know: a mistake of the caller, which
    a dashboard would otherwise find out too late.
    """
    category = EVENTS.get(event_type)
    if category is None:
        raise ValueError(f"{event_type} is no event of EVENTS")
    source = origin or actor.origin
    if actor is SYSTEM and event_type in BY_THEMSELVES:
        actor = Actor(user_id=user_id)
    happened = Event(
        event_type=event_type,
        event_category=category,
        organization_id=organization_id,
        user_id=user_id,
        actor_id=actor.user_id,
        actor_type=_type_of(actor, source),
        actor_client=actor.client_id,
        description=description,
        metadata=msgspec.json.encode(metadata or {}).decode(),
        ip_address=(source.address or None) if source else None,
        user_agent=(source.user_agent or None) if source else None,
        request_id=(source.request_id or None) if source else None,
    )
    await storage.events.record(stamped(happened, storage.stamp))
    if category in LOGGED:
        _log(event_type, user_id, metadata or {})


def stamped(event: E, stamp: Stamp | None) -> E:
    """Return an event with the code that proves it ours; without a key it has none."""
    mac = stamp(authenticated(event)) if stamp is not None else None
    return msgspec.structs.replace(event, mac=mac)


def _type_of(actor: Actor, source: Origin | None) -> str:
    """Who is known neither as a person nor as a client, and asked from outside, is a stranger."""
    if actor.user_id is not None:
        return "user"
    if actor.client_id is not None:
        return "client"
    return "system" if source is None else "anonymous"


def _log(event_type: str, user_id: str | None, metadata: Mapping[str, Any]) -> None:
    """Tell the log, which knows organization and client of the request at hand."""
    told = {name: metadata[name] for name in _TOLD if name in metadata}
    told |= {"user_id": user_id} if user_id else {}
    log.request_log().info(event_type, **told)
    log.remember(event_type, **told)
