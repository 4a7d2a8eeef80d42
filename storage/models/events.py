"""Event record: a row of the audit log before it is written."""

from __future__ import annotations

from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `metadata` holds no secret and no personal data beyond ids."""

    event_type: str
    event_category: str
    organization_id: str | None = None
    user_id: str | None = None
    actor_id: str | None = None
    description: str | None = None
    metadata: dict[str, Any] = {}
    ip_address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
