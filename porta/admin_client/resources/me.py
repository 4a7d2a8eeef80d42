"""Me: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from porta.admin_client.model import Entity
from porta.admin_client.resource import Resource


class Me(Entity, frozen=True, kw_only=True):
    """Whoever calls."""

    user_id: str | None
    client_id: str
    email: str | None
    organization_id: str | None
    permissions: tuple[str, ...]


class MeResource(Resource):
    """Me."""

    async def get(self) -> Me:
        """Tell who calls, and what they may do."""
        return await self._one(Me, "GET", ("me",))
