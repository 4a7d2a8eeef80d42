"""Audit log repository."""

from __future__ import annotations

import msgspec

from storage.models.events import Event
from storage.postgres.statement import Executor, Statement

_RECORD = Statement(
    "record_event",
    """
    INSERT INTO audit_log (
        organization_id, user_id, actor_id, event_type, event_category, description, metadata,
        ip_address, user_agent, request_id
    ) VALUES (
        %(organization_id)s,
        (SELECT id FROM users WHERE id = %(user_id)s),
        (SELECT id FROM users WHERE id = %(actor_id)s),
        %(event_type)s, %(event_category)s,
        %(description)s, %(metadata)s, %(ip_address)s, %(user_agent)s, %(request_id)s
    )
    """,
)

# Reads no further than it deletes: there is no index of moments alone.
_PURGE = """
    DELETE FROM audit_log WHERE sequence IN (
        SELECT sequence FROM (
            SELECT sequence, created_at FROM audit_log
            ORDER BY sequence LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        ) first
        WHERE created_at < now() - make_interval(days => %(days)s)
    )
"""

_OF_PERSON = """
    %(user_id)s::uuid IN (user_id, actor_id) AND event_type <> 'audit.person.erased'
"""
# What a person said and where they were, wherever they acted; and what was done to them. Who, when
# and what kind of thing stay.
_ERASE = f"""
    UPDATE audit_log SET
        description = CASE WHEN user_id = %(user_id)s::uuid THEN NULL ELSE description END,
        metadata = CASE WHEN user_id = %(user_id)s::uuid THEN '{{}}' ELSE metadata END,
        ip_address = CASE WHEN COALESCE(actor_id, user_id) = %(user_id)s::uuid
            THEN NULL ELSE ip_address END,
        user_agent = CASE WHEN COALESCE(actor_id, user_id) = %(user_id)s::uuid
            THEN NULL ELSE user_agent END
    WHERE {_OF_PERSON}
"""  # noqa: S608


class Events:
    """The table `audit_log`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def record(self, event: Event) -> None:
        """Write one event down. A person whose row is gone is not named."""
        values = msgspec.structs.asdict(event)
        values["metadata"] = msgspec.json.encode(event.metadata).decode()
        await self._pg.execute(_RECORD, values)

    async def purge(self, days: int, limit: int = 500) -> int:
        """Delete entries older than `days` (one at least), and return how many there were.

        It looks at the `limit` entries that stand first, for what is left must follow on itself.
        What somebody else has locked is left for the next time.
        """
        return await self._pg.execute(_PURGE, {"days": days, "limit": limit})

    async def erase_person(self, user_id: str) -> int:
        """Remove what is personal from the entries of a person; return how many there are.

        Where they were, and with what, of what they did; and all that was told of what happened to
        them. Ids, kinds and moments stay.
        """
        return await self._pg.execute(_ERASE, {"user_id": user_id})

    async def count_person(self, user_id: str) -> int:
        """Return how many entries `erase_person` would find."""
        row = await self._pg.fetchrow(
            f"SELECT count(*) FROM audit_log WHERE {_OF_PERSON}",  # noqa: S608
            {"user_id": user_id},
        )
        return int(row[0]) if row else 0
