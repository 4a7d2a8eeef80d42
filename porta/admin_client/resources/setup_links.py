"""Setup links: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.listing import Listed
from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Change, Once, Resource


class SetupLink(Entity, frozen=True, kw_only=True):
    """A set-up link, and how far whoever has it has come. What they typed is theirs until then."""

    id: str
    organization_id: str
    provider: str | None
    name: str | None
    domain_id: str | None
    status: str
    tests: int
    connection_id: str | None
    sent_to: str | None
    made_by: str | None
    created_at: datetime
    expires_at: datetime
    completed_at: datetime | None


class NewSetupLink(Model, frozen=True, kw_only=True):
    """A link for one purpose: a connection to this provider, or this domain."""

    provider: str | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    domain_id: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    locale: str | UnsetType | None = UNSET
    hours: int | UnsetType = UNSET


class NewLink(SetupLink, frozen=True, kw_only=True):
    """A set-up link that was just made."""

    url: str | None


class SetupLinksResource(Resource):
    """Setup links."""

    async def create(
        self, organization_id: str, body: NewSetupLink | None = None, **once: Unpack[Once]
    ) -> NewLink:
        """Make a set-up link, by which somebody connects a provider or proves a domain."""
        return await self._one(
            NewLink, "POST", ("organizations", organization_id, "setup-links"), body=body, **once
        )

    def list(self, organization_id: str, *, page_size: int = 100) -> Listed[SetupLink]:
        """List the set-up links of an organization that are open, or were used lately."""
        return self._pages(
            SetupLink, ("organizations", organization_id, "setup-links"), page_size=page_size
        )

    async def delete(
        self, organization_id: str, setup_link_id: str, **change: Unpack[Change]
    ) -> None:
        """End a set-up link: what was typed there is forgotten."""
        return await self._nothing(
            "DELETE", ("organizations", organization_id, "setup-links", setup_link_id), **change
        )
