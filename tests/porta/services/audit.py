"""Reading the audit log."""

from __future__ import annotations

import json
from typing import Any

from storage.postgres.driver import Postgres


async def event_types(pg: Postgres, key: str, value: str) -> list[str]:
    """Return the types of the events about something, oldest first.

    `key` is `organization_id`, `user_id`, or a name in the metadata.
    """
    column = f"{key}::text" if key in ("organization_id", "user_id") else f"metadata ->> '{key}'"
    rows = await pg.fetch(
        f"SELECT event_type FROM audit_log WHERE {column} = %(value)s ORDER BY sequence",
        {"value": value},
    )
    return [row[0] for row in rows]


async def last_metadata(
    pg: Postgres, key: str, value: str, event_type: str | None = None
) -> dict[str, Any]:
    """Return what the last event (of this type) about something tells."""
    column = f"{key}::text" if key in ("organization_id", "user_id") else f"metadata ->> '{key}'"
    row = await pg.fetchrow(
        f"""
        SELECT metadata::text FROM audit_log
        WHERE {column} = %(value)s AND (%(type)s IS NULL OR event_type = %(type)s)
        ORDER BY sequence DESC LIMIT 1
        """,
        {"value": value, "type": event_type},
    )
    assert row is not None
    told: dict[str, Any] = json.loads(row[0])
    return told
