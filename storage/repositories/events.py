"""Audit log repository."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from storage.models.events import Event
from storage.postgres.statement import Executor, Statement

_RECORD = Statement(
    "record_event",
    """
    INSERT INTO audit_log (
        id, organization_id, user_id, actor_id, actor_type, actor_client, event_type,
        event_category, description, metadata, ip_address, user_agent, request_id, mac
    ) VALUES (
        %(id)s, %(organization_id)s, %(user_id)s, %(actor_id)s, %(actor_type)s, %(actor_client)s,
        %(event_type)s, %(event_category)s, %(description)s, %(metadata)s, %(ip_address)s,
        %(user_agent)s, %(request_id)s, decode(%(mac)s, 'hex')
    )
    """,
)


class Events:
    """The table `audit_log`."""

    def __init__(self, pg: Executor, written: Callable[[], Awaitable[None]] | None = None) -> None:
        self._pg = pg
        self._written = written

    async def record(self, event: Event) -> None:
        """Write one event down."""
        # What concerns no organization is no tenant's to see, or to write.
        pg = self._pg if event.organization_id else self._pg.everywhere
        await pg.execute(_RECORD, msgspec.structs.asdict(event))
        if self._written is not None:
            await self._written()
