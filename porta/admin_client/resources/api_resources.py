"""Api resources: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.listing import Listed
from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Condition, Once, Resource


class ScopeInWords(Model, frozen=True, kw_only=True):
    """What the consent page says of a scope, in one language."""

    title: str | None
    description: str | None


class ScopeWords(Model, frozen=True, kw_only=True):
    """What the consent page says of a scope."""

    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


class ResourceScope(Model, frozen=True, kw_only=True):
    """A scope of a resource."""

    title: str | None
    description: str | None
    name: str
    translations: dict[str, ScopeInWords]


class Scope(Model, frozen=True, kw_only=True):
    """A scope: its name alone, or with words for people, also in other languages."""

    name: str
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    translations: dict[str, ScopeWords] | UnsetType = UNSET


class ApiResource(Entity, frozen=True, kw_only=True):
    """A protected resource of an organization."""

    id: str
    organization_id: str
    identifier: str
    name: str
    scopes: tuple[ResourceScope, ...]
    access_token_format: str | None
    access_token_ttl: int | None
    access_token_type: str | None
    access_token_signing_alg: str | None
    introspection_clients: tuple[str, ...]
    status: str
    created_at: datetime
    updated_at: datetime


class ApiResourcePatch(Model, frozen=True, kw_only=True):
    """What of a resource may change. Its identifier stands in tokens, and does not."""

    name: str | UnsetType = UNSET
    scopes: tuple[Scope, ...] | UnsetType = UNSET
    access_token_format: Literal["jwt", "opaque"] | UnsetType | None = UNSET
    access_token_ttl: int | UnsetType | None = UNSET
    access_token_type: Literal["at+jwt", "JWT"] | UnsetType | None = UNSET
    access_token_signing_alg: str | UnsetType | None = UNSET
    introspection_clients: tuple[str, ...] | UnsetType = UNSET
    status: Literal["active", "inactive"] | UnsetType = UNSET


class NewApiResource(ApiResourcePatch, frozen=True, kw_only=True):
    """A resource to be made."""

    name: str
    identifier: str


class ApiResourcesResource(Resource):
    """Api resources."""

    async def create(
        self, organization_id: str, body: NewApiResource, **once: Unpack[Once]
    ) -> ApiResource:
        """Make an API resource."""
        return await self._one(
            ApiResource,
            "POST",
            ("organizations", organization_id, "api-resources"),
            body=body,
            **once,
        )

    def list(
        self,
        organization_id: str,
        *,
        sort_by: Literal["identifier", "name", "created_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        search: str | None = None,
        page_size: int = 100,
    ) -> Listed[ApiResource]:
        """List the API resources of an organization."""
        return self._pages(
            ApiResource,
            ("organizations", organization_id, "api-resources"),
            query={"sortBy": sort_by, "sortOrder": sort_order, "search": search},
            page_size=page_size,
        )

    async def get(self, organization_id: str, resource_id: str) -> ApiResource:
        """Read an API resource."""
        return await self._one(
            ApiResource, "GET", ("organizations", organization_id, "api-resources", resource_id)
        )

    async def update(
        self,
        organization_id: str,
        resource_id: str,
        body: ApiResourcePatch,
        **condition: Unpack[Condition],
    ) -> ApiResource:
        """Change an API resource."""
        return await self._one(
            ApiResource,
            "PATCH",
            ("organizations", organization_id, "api-resources", resource_id),
            body=body,
            **condition,
        )

    async def delete(
        self, organization_id: str, resource_id: str, **condition: Unpack[Condition]
    ) -> None:
        """Delete an API resource: no token can be asked for it any more."""
        return await self._nothing(
            "DELETE", ("organizations", organization_id, "api-resources", resource_id), **condition
        )
