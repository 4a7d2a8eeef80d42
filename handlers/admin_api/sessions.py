"""Sessions: listed, read, and ended with every token that hangs on them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from handlers.admin_api.lists import Listing, Paging, listing, page_of
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Shown
from porta.services import session_control
from porta.services.permissions import needed_by
from storage.models.sessions import SessionEntry, SessionFilter


class Session(Shown):
    """A person's sign-in in one browser."""

    session_id: str = Field(description="The `sid` of its ID tokens; no cookie")
    user_id: str
    client_id: str | None = Field(description="The client_id that it issued tokens for last")
    organization_id: str
    grant_id: str | None = Field(None, description="Always null")
    ip_address: str | None
    user_agent: str | None
    created_at: Moment
    expires_at: Moment
    last_activity_at: Moment
    revoked_at: Moment | None


class SessionQuery(Paging):
    """Which sessions."""

    user_id: UUID | None = None
    organization_id: UUID | None = None
    client_id: str | None = Field(None, max_length=255, description="Of tokens issued in it")
    active_only: bool = True

    def wanted(self) -> dict[str, Any]:
        """Return what is asked for, as the filters of storage spell it."""
        return {
            "organization_id": str(self.organization_id) if self.organization_id else None,
            "user_id": str(self.user_id) if self.user_id else None,
            "client_id": self.client_id,
            "active_only": self.active_only,
        }


class Revoked(Shown):
    """How many sessions ended."""

    revoked: int


def _shown(entry: SessionEntry) -> Session:
    return Session(
        session_id=entry.id,
        user_id=entry.user_id,
        client_id=entry.client_id,
        organization_id=entry.organization_id,
        grant_id=None,
        ip_address=entry.ip_address,
        user_agent=entry.user_agent,
        created_at=entry.created_at,
        expires_at=entry.expires_at,
        last_activity_at=entry.last_activity_at,
        revoked_at=entry.revoked_at,
    )


async def _list(call: Call) -> Answer:
    query = call.query_as(SessionQuery)
    wanted = SessionFilter(**query.wanted())
    page = page_of(call, query)
    listed = await session_control.list_sessions(call.storage, call.actor, wanted, page)
    return Answer(listing(call, query, page, listed, _shown))


async def _get(call: Call) -> Answer:
    found = await session_control.get(call.storage, call.actor, call.path["sessionId"])
    return Answer(Data(data=_shown(found)))


async def _revoke(call: Call) -> Answer:
    await session_control.revoke(call.storage, call.actor, call.path["sessionId"])
    return Answer()


async def _revoke_all(call: Call) -> Answer:
    revoked = await session_control.revoke_all(call.storage, call.actor, call.id("userId"))
    return Answer(Revoked(revoked=revoked))


ROUTES = (
    Route(
        "GET",
        "/sessions",
        "List sessions, the newest first",
        _list,
        permissions=needed_by(session_control.list_sessions),
        query=SessionQuery,
        response=Listing[Session],
        delegable=True,
    ),
    Route(
        "GET",
        "/sessions/{sessionId}",
        "Read a session",
        _get,
        permissions=needed_by(session_control.get),
        response=Data[Session],
        delegable=True,
    ),
    Route(
        "DELETE",
        "/sessions/{sessionId}",
        "End a session, its grants and its tokens",
        _revoke,
        permissions=needed_by(session_control.revoke),
        delegable=True,
    ),
    Route(
        "DELETE",
        "/users/{userId}/sessions",
        "End every session of a person, and every token",
        _revoke_all,
        permissions=needed_by(session_control.revoke_all),
        response=Revoked,
        delegable=True,
    ),
)
