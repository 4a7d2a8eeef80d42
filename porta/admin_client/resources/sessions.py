"""Sessions: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from porta.admin_client.listing import Listed
from porta.admin_client.model import Entity
from porta.admin_client.resource import Change, Resource


class Session(Entity, frozen=True, kw_only=True):
    """A person's sign-in in one browser."""

    session_id: str
    user_id: str
    client_id: str | None
    organization_id: str
    ip_address: str | None
    user_agent: str | None
    created_at: datetime
    expires_at: datetime
    last_activity_at: datetime
    revoked_at: datetime | None
    grant_id: str | None = None


class SessionsResource(Resource):
    """Sessions."""

    def list(
        self,
        *,
        user_id: str | None = None,
        organization_id: str | None = None,
        client_id: str | None = None,
        active_only: bool | None = None,
        page_size: int = 100,
    ) -> Listed[Session]:
        """List sessions, the newest first."""
        return self._pages(
            Session,
            ("sessions",),
            query={
                "userId": user_id,
                "organizationId": organization_id,
                "clientId": client_id,
                "activeOnly": active_only,
            },
            page_size=page_size,
        )

    async def get(self, session_id: str) -> Session:
        """Read a session."""
        return await self._one(Session, "GET", ("sessions", session_id))

    async def delete(self, session_id: str, **change: Unpack[Change]) -> None:
        """End a session, its grants and its tokens."""
        return await self._nothing("DELETE", ("sessions", session_id), **change)
