"""Refresh families: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from porta.admin_client.listing import Listed
from porta.admin_client.model import Entity
from porta.admin_client.resource import Change, Resource


class RefreshFamily(Entity, frozen=True, kw_only=True):
    """All refresh tokens that descend from one authorization, and what they were used for."""

    id: str
    organization_id: str
    user_id: str
    client_id: str
    session_id: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_reason: str | None


class RefreshFamiliesResource(Resource):
    """Refresh families."""

    def list(
        self,
        *,
        user_id: str | None = None,
        organization_id: str | None = None,
        client_id: str | None = None,
        active_only: bool | None = None,
        page_size: int = 100,
    ) -> Listed[RefreshFamily]:
        """List the refresh tokens of a person or of a client by family, the newest first."""
        return self._pages(
            RefreshFamily,
            ("refresh-families",),
            query={
                "userId": user_id,
                "organizationId": organization_id,
                "clientId": client_id,
                "activeOnly": active_only,
            },
            page_size=page_size,
        )

    async def get(self, family_id: str) -> RefreshFamily:
        """Read a refresh family."""
        return await self._one(RefreshFamily, "GET", ("refresh-families", family_id))

    async def delete(self, family_id: str, **change: Unpack[Change]) -> None:
        """End a refresh family, its access tokens too."""
        return await self._nothing("DELETE", ("refresh-families", family_id), **change)
