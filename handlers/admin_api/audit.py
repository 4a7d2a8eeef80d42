"""Audit trail: read by keyset or number, followed as it grows, and cleaned up."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from pydantic import Field

from handlers.admin_api.lists import Listing, Paging, listing, page_of
from handlers.admin_api.route import EVENT_STREAM, Route
from porta.administration.call import Answer, Call, Event, Events, Moment, Shown
from porta.audit.tail import Step
from porta.errors import Invalid
from porta.security import boxes
from porta.services import audit_trail
from porta.services.commands import Command
from porta.services.permissions import needed_by
from porta.text.timestamps import seconds_of
from storage.models.audit import AuditFilter

_DEFAULT_LIMIT = 50
_PURPOSE = "audit event"


class Entry(Shown):
    """What happened, to whom, by whom, and from where."""

    id: str
    event_type: str
    event_category: str
    actor_id: str | None
    actor_type: str | None
    actor_client: str | None
    organization_id: str | None
    user_id: str | None
    description: str | None
    metadata: dict[str, Any]
    ip_address: str | None
    user_agent: str | None
    request_id: str | None
    created_at: Moment


class Wanted(Command):
    """Which entries."""

    event: str | None = Field(None, max_length=100, description="The event type, exactly")
    org: UUID | None = None
    user: UUID | None = Field(None, description="Whom it happened to")
    actor: UUID | None = Field(None, description="Who did it")


class AuditQuery(Wanted, Paging):
    """Which entries, of those there are."""

    limit: int | None = Field(None, ge=1, le=500)
    since: datetime | None = Field(None, description="A time without zone is UTC")
    until: datetime | None = None


class CleanUp(Command):
    """What is to go."""

    retention_days: int | None = Field(
        None, ge=1, le=36_500, description="Days that are kept; audit_log_retention_days by default"
    )
    dry_run: bool = False


class CleanedUp(Shown):
    """What was found, and deleted; of a large trail a part, and the rest by the next call."""

    dry_run: bool
    retention_days: int
    entries_found: int
    deleted: int


async def _list(call: Call) -> Answer:
    query = call.query_as(AuditQuery)
    wanted = msgspec.structs.replace(
        _filter(query),
        since=seconds_of(query.since) if query.since else None,
        until=seconds_of(query.until) if query.until else None,
    )
    page = page_of(call, query, numbered=False, default=_DEFAULT_LIMIT)
    listed = await audit_trail.list_entries(call.storage, call.actor, wanted, page)
    shown = listing(call, query, page, listed, Entry.model_validate)
    if shown.total is None:  # as Porta 1.x has it: the number of those that are answered
        shown = shown.model_copy(update={"total": len(shown.data)})
    return Answer(shown)


def _filter(query: Wanted) -> AuditFilter:
    return AuditFilter(
        event_type=query.event,
        organization_id=str(query.org) if query.org else None,
        user_id=str(query.user) if query.user else None,
        actor_id=str(query.actor) if query.actor else None,
    )


async def _stream(call: Call) -> Answer:
    wanted = _filter(call.query_as(Wanted))
    steps = await audit_trail.follow(
        call.storage, call.actor, call.runtime.audit_tail, wanted, _place(call)
    )
    return Answer(events=_told(call, steps))


async def _told(call: Call, steps: AsyncGenerator[Step, None]) -> Events:
    async with aclosing(steps):
        async for step in steps:
            for place, entry in step.entries:
                yield Event(Entry.model_validate(entry), id=_id(call, place), name="entry")
            if not step.entries:
                yield Event(None, id=_id(call, step.place))


def _id(call: Call, place: int) -> str:
    """Return a place as the id of an event: sealed, for it counts what others do too."""
    return boxes.close(call.runtime.settings.cookie_keys, _PURPOSE, str(place).encode())


def _place(call: Call) -> int | None:
    """Return the place after which a stream goes on. Raises Invalid."""
    if call.last_event_id is None:
        return None
    place = boxes.unlock(call.runtime.settings.cookie_keys, _PURPOSE, call.last_event_id)
    if place is None:
        raise Invalid("Last-Event-ID is not of this stream")
    return int(place)


async def _clean_up(call: Call) -> Answer:
    command = call.body_as(CleanUp)
    configured = (await call.runtime.snapshot()).config.audit_log_retention_days
    days = command.retention_days or configured
    if days < 1:
        raise Invalid.at("retentionDays", message="is needed: no retention is configured")
    found, deleted = await audit_trail.clean_up(
        call.storage, call.actor, days, keys=call.runtime.audit_keys, dry_run=command.dry_run
    )
    return Answer(
        CleanedUp(
            dry_run=command.dry_run, retention_days=days, entries_found=found, deleted=deleted
        )
    )


ROUTES = (
    Route(
        "GET",
        "/audit",
        "List what happened, the newest first",
        _list,
        permissions=needed_by(audit_trail.list_entries),
        query=AuditQuery,
        response=Listing[Entry],
        delegable=True,
    ),
    Route(
        "GET",
        "/audit/events",
        "Follow the audit trail: an event for each entry that is sealed from now on",
        _stream,
        permissions=needed_by(audit_trail.follow),
        query=Wanted,
        response=Entry,
        media_type=EVENT_STREAM,
        delegable=True,
    ),
    Route(
        "POST",
        "/audit/cleanup",
        "Delete what is older than so many days",
        _clean_up,
        permissions=needed_by(audit_trail.clean_up),
        request=CleanUp,
        response=CleanedUp,
        optional_body=True,
    ),
)
