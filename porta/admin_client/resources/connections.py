"""Connections: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.listing import Listed
from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Condition, Once, Resource


class ConnectionRule(Model, frozen=True, kw_only=True):
    """Whoever has `value` in `claim` holds these roles, and nobody else holds them."""

    claim: str
    value: str
    role_ids: tuple[str, ...]


class Rule(Model, frozen=True, kw_only=True):
    """Whoever has `value` in `claim` holds these roles, and nobody else holds them."""

    claim: str
    value: str
    role_ids: tuple[str, ...]


class Connection(Entity, frozen=True, kw_only=True):
    """An identity provider of an organization. Its secret is never shown."""

    id: str
    organization_id: str
    provider: str
    name: str
    issuer: str
    client_id: str
    has_client_secret: bool
    redirect_path: str
    scopes: tuple[str, ...]
    options: dict[str, str]
    claim_mapping: dict[str, str]
    role_mapping: tuple[ConnectionRule, ...]
    allowed_tenants: tuple[str, ...]
    allowed_domains: tuple[str, ...]
    authoritative_domains: tuple[str, ...]
    creates_accounts: bool
    trusts_second_factor: bool
    status: str
    created_at: datetime
    updated_at: datetime


class ConnectionPatch(Model, frozen=True, kw_only=True):
    """What of a connection may change. Its provider and issuer say who people are, and do not."""

    name: str | UnsetType = UNSET
    client_id: str | UnsetType = UNSET
    client_secret: str | UnsetType | None = UNSET
    scopes: tuple[str, ...] | UnsetType = UNSET
    options: dict[str, str] | UnsetType = UNSET
    claim_mapping: dict[str, str] | UnsetType = UNSET
    role_mapping: tuple[Rule, ...] | UnsetType = UNSET
    allowed_tenants: tuple[str, ...] | UnsetType = UNSET
    allowed_domains: tuple[str, ...] | UnsetType = UNSET
    authoritative_domains: tuple[str, ...] | UnsetType = UNSET
    creates_accounts: bool | UnsetType = UNSET
    trusts_second_factor: bool | UnsetType = UNSET
    status: Literal["active", "inactive"] | UnsetType = UNSET


class NewConnection(ConnectionPatch, frozen=True, kw_only=True):
    """A connection to be made."""

    name: str
    client_id: str
    provider: str
    issuer: str | UnsetType = UNSET


class ConnectionsResource(Resource):
    """Connections."""

    async def create(
        self, organization_id: str, body: NewConnection, **once: Unpack[Once]
    ) -> Connection:
        """Make a connection to an identity provider."""
        return await self._one(
            Connection, "POST", ("organizations", organization_id, "connections"), body=body, **once
        )

    def list(
        self,
        organization_id: str,
        *,
        sort_by: Literal["name", "created_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        page_size: int = 100,
    ) -> Listed[Connection]:
        """List the connections of an organization."""
        return self._pages(
            Connection,
            ("organizations", organization_id, "connections"),
            query={"sortBy": sort_by, "sortOrder": sort_order},
            page_size=page_size,
        )

    async def get(self, organization_id: str, connection_id: str) -> Connection:
        """Read a connection."""
        return await self._one(
            Connection, "GET", ("organizations", organization_id, "connections", connection_id)
        )

    async def update(
        self,
        organization_id: str,
        connection_id: str,
        body: ConnectionPatch,
        **condition: Unpack[Condition],
    ) -> Connection:
        """Change a connection."""
        return await self._one(
            Connection,
            "PATCH",
            ("organizations", organization_id, "connections", connection_id),
            body=body,
            **condition,
        )

    async def delete(
        self, organization_id: str, connection_id: str, **condition: Unpack[Condition]
    ) -> None:
        """Delete a connection: nobody signs in there any more."""
        return await self._nothing(
            "DELETE", ("organizations", organization_id, "connections", connection_id), **condition
        )
