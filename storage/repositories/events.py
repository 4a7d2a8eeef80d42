"""The audit log."""

from __future__ import annotations

import msgspec

from storage.models.events import Event
from storage.statement import Executor, Statement

_RECORD = Statement(
    "record_event",
    """
    INSERT INTO audit_log (
        organization_id, user_id, actor_id, event_type, event_category, description, metadata,
        ip_address, user_agent, request_id
    ) VALUES (
        %(organization_id)s, %(user_id)s, %(actor_id)s, %(event_type)s, %(event_category)s,
        %(description)s, %(metadata)s, %(ip_address)s, %(user_agent)s, %(request_id)s
    )
    """,
)


class Events:
    """The table `audit_log`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def record(self, event: Event) -> None:
        """Write one event down."""
        values = msgspec.structs.asdict(event)
        values["metadata"] = msgspec.json.encode(event.metadata).decode()
        await self._pg.execute(_RECORD, values)
