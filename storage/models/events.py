"""Event record: a row of the audit log before it is written."""

from __future__ import annotations

import uuid

import msgspec


def _new_id() -> str:
    return str(uuid.uuid4())


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `metadata` is JSON that holds no secret, and no personal data beyond ids."""

    id: str = msgspec.field(default_factory=_new_id)
    event_type: str
    event_category: str
    organization_id: str | None = None
    user_id: str | None = None
    actor_id: str | None = None
    actor_type: str | None = None
    actor_client: str | None = None
    description: str | None = None
    metadata: str | None = "{}"
    ip_address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    mac: str | None = None
    """In hex, what proves that we have written it."""
