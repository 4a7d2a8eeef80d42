"""Domains: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.listing import Listed
from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Condition, Once, Resource


class Domain(Entity, frozen=True, kw_only=True):
    """A domain of an organization, and the record that proves it."""

    id: str
    organization_id: str
    domain: str
    record_name: str
    record_text: str
    connection_id: str | None
    mode: str
    verified_at: datetime | None
    checked_at: datetime | None
    lapsed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class NewDomain(Model, frozen=True, kw_only=True):
    """A domain to be proven."""

    domain: str
    connection_id: str | UnsetType | None = UNSET
    mode: Literal["offer", "require"] | UnsetType = UNSET


class DomainPatch(Model, frozen=True, kw_only=True):
    """What of a domain may change. Its name is what was proven, and does not."""

    connection_id: str | UnsetType | None = UNSET
    mode: Literal["offer", "require"] | UnsetType = UNSET


class DomainsResource(Resource):
    """Domains."""

    async def create(self, organization_id: str, body: NewDomain, **once: Unpack[Once]) -> Domain:
        """Claim a domain, to be proven by a TXT record."""
        return await self._one(
            Domain, "POST", ("organizations", organization_id, "domains"), body=body, **once
        )

    def list(
        self,
        organization_id: str,
        *,
        sort_by: Literal["domain", "created_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        page_size: int = 100,
    ) -> Listed[Domain]:
        """List the domains of an organization."""
        return self._pages(
            Domain,
            ("organizations", organization_id, "domains"),
            query={"sortBy": sort_by, "sortOrder": sort_order},
            page_size=page_size,
        )

    async def get(self, organization_id: str, domain_id: str) -> Domain:
        """Read a domain, and the record that proves it."""
        return await self._one(
            Domain, "GET", ("organizations", organization_id, "domains", domain_id)
        )

    async def update(
        self,
        organization_id: str,
        domain_id: str,
        body: DomainPatch,
        **condition: Unpack[Condition],
    ) -> Domain:
        """Change where people of a domain sign in."""
        return await self._one(
            Domain,
            "PATCH",
            ("organizations", organization_id, "domains", domain_id),
            body=body,
            **condition,
        )

    async def delete(
        self, organization_id: str, domain_id: str, **condition: Unpack[Condition]
    ) -> None:
        """Give a domain up: nobody is led by it any more."""
        return await self._nothing(
            "DELETE", ("organizations", organization_id, "domains", domain_id), **condition
        )

    async def verify(self, organization_id: str, domain_id: str, **once: Unpack[Once]) -> Domain:
        """Look up the TXT record of a domain, which is proven where it is found."""
        return await self._one(
            Domain,
            "POST",
            ("organizations", organization_id, "domains", domain_id, "verify"),
            **once,
        )
