"""Audit: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.events import Events
from porta.admin_client.listing import Listed
from porta.admin_client.model import Model
from porta.admin_client.resource import Once, Resource


class Entry(Model, frozen=True, kw_only=True):
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
    created_at: datetime


class CleanedUp(Model, frozen=True, kw_only=True):
    """What was found, and deleted; of a large trail a part, and the rest by the next call."""

    dry_run: bool
    retention_days: int
    entries_found: int
    deleted: int


class CleanUp(Model, frozen=True, kw_only=True):
    """What is to go."""

    retention_days: int | UnsetType | None = UNSET
    dry_run: bool | UnsetType = UNSET


class AuditResource(Resource):
    """Audit."""

    def list(
        self,
        *,
        event: str | None = None,
        org: str | None = None,
        user: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int = 100,
    ) -> Listed[Entry]:
        """List what happened, the newest first."""
        return self._pages(
            Entry,
            ("audit",),
            query={
                "event": event,
                "org": org,
                "user": user,
                "actor": actor,
                "since": since,
                "until": until,
            },
            page_size=page_size,
        )

    def events(
        self,
        *,
        event: str | None = None,
        org: str | None = None,
        user: str | None = None,
        actor: str | None = None,
    ) -> Events[Entry]:
        """Follow the audit trail: an event for each entry that is sealed from now on."""
        return self._events(
            Entry,
            ("audit", "events"),
            query={"event": event, "org": org, "user": user, "actor": actor},
        )

    async def cleanup(self, body: CleanUp | None = None, **once: Unpack[Once]) -> CleanedUp:
        """Delete what is older than so many days."""
        return await self._plain(CleanedUp, "POST", ("audit", "cleanup"), body=body, **once)
