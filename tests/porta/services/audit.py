"""Reading the audit log."""

from __future__ import annotations

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
