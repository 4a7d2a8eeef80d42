"""History of one thing: its part of the audit trail, the newest first."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import Field

from handlers.admin_api.lists import Paging, listing, page_of
from porta.administration.call import Answer, Call, Moment, Shown
from porta.services import audit_trail
from storage.models.audit import AuditFilter


class Happened(Shown):
    """Something that happened."""

    id: str
    event_type: str
    actor_id: str | None
    metadata: dict[str, Any]
    created_at: Moment


class History(Shown):
    """What happened, as far as this page goes."""

    data: tuple[Happened, ...]
    has_more: bool
    next_cursor: str | None


class HistoryQuery(Paging):
    """Which part of a history."""

    after: str | None = Field(None, max_length=1024, description="The same as `cursor`")
    event_type: str | None = Field(None, max_length=100, description="The beginning of the type")


async def answer(call: Call, wanted: AuditFilter) -> Answer:
    """Answer with the history of what `wanted` names. The caller is known to see it."""
    query = call.query_as(HistoryQuery)
    if query.after is not None:
        query = query.model_copy(update={"cursor": query.after, "after": None})
    numbered = query.page is not None or query.page_size is not None
    page = page_of(call, query, numbered=False)
    wanted = msgspec.structs.replace(wanted, event_prefix=query.event_type)
    listed = await audit_trail.history(call.storage, wanted, page)
    shown = listing(call, query, page, listed, Happened.model_validate)
    more = (shown.page or 0) < (shown.total_pages or 0) if numbered else bool(shown.has_more)
    return Answer(History(data=shown.data, has_more=more, next_cursor=shown.next_cursor))
