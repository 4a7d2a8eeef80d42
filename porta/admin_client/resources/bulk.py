"""Bulk: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from typing import Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.model import Model
from porta.admin_client.resource import Once, Resource


class Outcome(Model, frozen=True, kw_only=True):
    """What became of one."""

    id: str
    success: bool
    error: str | None = None
    previous_status: str | None = None
    new_status: str | None = None


class OrganizationsCommand(Model, frozen=True, kw_only=True):
    """What becomes of which organizations."""

    ids: tuple[str, ...]
    action: Literal["activate", "suspend", "archive"]
    reason: str | UnsetType | None = UNSET


class UsersCommand(Model, frozen=True, kw_only=True):
    """What becomes of which people of an organization."""

    ids: tuple[str, ...]
    organization_id: str
    action: Literal["activate", "deactivate", "suspend", "lock", "unlock"]
    reason: str | UnsetType | None = UNSET


class Outcomes(Model, frozen=True, kw_only=True):
    """What became of each."""

    total: int
    succeeded: int
    failed: int
    results: tuple[Outcome, ...]


class BulkResource(Resource):
    """Bulk."""

    async def organizations_status(
        self, body: OrganizationsCommand, **once: Unpack[Once]
    ) -> Outcomes:
        """Change the status of many organizations; each needs the permission of its action too."""
        return await self._plain(
            Outcomes, "POST", ("bulk", "organizations", "status"), body=body, **once
        )

    async def users_status(self, body: UsersCommand, **once: Unpack[Once]) -> Outcomes:
        """Change the status of many people of an organization."""
        return await self._plain(Outcomes, "POST", ("bulk", "users", "status"), body=body, **once)
