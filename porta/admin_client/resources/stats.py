"""Stats: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime

from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Resource


class Health(Model, frozen=True, kw_only=True):
    """Whether the databases answer: `healthy`, `unhealthy`, or `absent`."""

    database: str
    redis: str


class Logins(Model, frozen=True, kw_only=True):
    """Sign-ins of a span of time."""

    successful: int
    failed: int


class Overview(Entity, frozen=True, kw_only=True):
    """What there is in the whole installation."""

    organizations: dict[str, int]
    users: dict[str, int]
    applications: dict[str, int]
    clients: dict[str, int]
    login_activity: dict[str, Logins]
    system_health: Health
    generated_at: datetime


class OfOrganization(Entity, frozen=True, kw_only=True):
    """What there is in one organization."""

    organization_id: str
    users: dict[str, int]
    clients: dict[str, int]
    login_activity: dict[str, Logins]
    generated_at: datetime


class StatsResource(Resource):
    """Stats."""

    async def overview(self) -> Overview:
        """Count everything."""
        return await self._one(Overview, "GET", ("stats", "overview"))

    async def of_organization(self, organization_id: str) -> OfOrganization:
        """Count what an organization has."""
        return await self._one(OfOrganization, "GET", ("stats", "organization", organization_id))
