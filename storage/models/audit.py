"""Audit entries as they are read."""

from __future__ import annotations

from typing import Any

import msgspec


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `audit_log`. `created_at` is seconds since the epoch."""

    id: str
    event_type: str
    event_category: str
    actor_id: str | None
    organization_id: str | None
    user_id: str | None
    description: str | None
    metadata: dict[str, Any]
    ip_address: str | None
    user_agent: str | None
    request_id: str | None
    created_at: float


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries: those that fulfil all that is not None."""

    event_type: str | None = None
    event_prefix: str | None = None
    organization_id: str | None = None
    user_id: str | None = None
    actor_id: str | None = None
    application_id: str | None = None
    """Of what happened to an application, or to what it defines."""
    client_id: str | None = None
    """Of what administrators did to the client of this client_id."""
    since: float | None = None
    """Seconds since the epoch, as `until`."""
    until: float | None = None
