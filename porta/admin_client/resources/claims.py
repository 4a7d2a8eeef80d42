"""Claims: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.listing import Listed
from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Condition, ConditionalOnce, Once, Resource
from porta.admin_client.resources.shared import NewValue


class Claim(Entity, frozen=True, kw_only=True):
    """A claim that an application defines."""

    id: str
    application_id: str
    claim_name: str
    claim_type: str
    title: str | None
    description: str | None
    include_in_id_token: bool
    include_in_access_token: bool
    include_in_userinfo: bool
    name: str
    slug: str
    value_type: str
    created_at: datetime
    updated_at: datetime


class ClaimBody(Model, frozen=True, kw_only=True):
    """A claim to be defined."""

    claim_name: str
    claim_type: Literal["string", "number", "boolean", "json"] | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    include_in_id_token: bool | UnsetType = UNSET
    include_in_access_token: bool | UnsetType = UNSET
    include_in_userinfo: bool | UnsetType = UNSET


class ClaimPatch(Model, frozen=True, kw_only=True):
    """What of a definition is to change."""

    claim_type: Literal["string", "number", "boolean", "json"] | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    include_in_id_token: bool | UnsetType = UNSET
    include_in_access_token: bool | UnsetType = UNSET
    include_in_userinfo: bool | UnsetType = UNSET


class ClaimValue(Entity, frozen=True, kw_only=True):
    """A person's value of a claim."""

    id: str
    user_id: str
    claim_id: str
    value: Any
    created_at: datetime
    updated_at: datetime


class DefinedValue(Model, frozen=True, kw_only=True):
    """A value with what it is of; and the same under the names that some clients know."""

    definition: Claim
    value: ClaimValue


class ClaimsResource(Resource):
    """Claims."""

    async def create(self, application_id: str, body: ClaimBody, **once: Unpack[Once]) -> Claim:
        """Define a claim of an application."""
        return await self._one(
            Claim, "POST", ("applications", application_id, "claims"), body=body, **once
        )

    def list(
        self,
        application_id: str,
        *,
        sort_by: Literal["claim_name", "created_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        page_size: int = 100,
    ) -> Listed[Claim]:
        """List the claims that an application defines."""
        return self._pages(
            Claim,
            ("applications", application_id, "claims"),
            query={"sortBy": sort_by, "sortOrder": sort_order},
            page_size=page_size,
        )

    async def get(self, application_id: str, claim_id: str) -> Claim:
        """Read a definition, by id or name."""
        return await self._one(Claim, "GET", ("applications", application_id, "claims", claim_id))

    async def update(
        self, application_id: str, claim_id: str, body: ClaimPatch, **condition: Unpack[Condition]
    ) -> Claim:
        """Change a definition."""
        return await self._one(
            Claim,
            "PATCH",
            ("applications", application_id, "claims", claim_id),
            body=body,
            **condition,
        )

    async def delete(
        self, application_id: str, claim_id: str, **condition: Unpack[Condition]
    ) -> None:
        """Delete a definition with every value."""
        return await self._nothing(
            "DELETE", ("applications", application_id, "claims", claim_id), **condition
        )

    async def archive(
        self, application_id: str, claim_id: str, **once: Unpack[ConditionalOnce]
    ) -> None:
        """The same, as some clients call it."""
        return await self._nothing(
            "POST", ("applications", application_id, "claims", claim_id, "archive"), **once
        )

    async def of_user(self, application_id: str, user_id: str) -> tuple[DefinedValue, ...]:
        """List a person's values, of every application."""
        return await self._all(
            DefinedValue, "GET", ("applications", application_id, "claims", "users", user_id)
        )

    async def get_user(self, application_id: str, claim_id: str, user_id: str) -> ClaimValue:
        """Read a person's value of a claim."""
        return await self._one(
            ClaimValue,
            "GET",
            ("applications", application_id, "claims", claim_id, "users", user_id),
        )

    async def set_user(
        self,
        application_id: str,
        claim_id: str,
        user_id: str,
        body: NewValue,
        **condition: Unpack[Condition],
    ) -> ClaimValue:
        """Give a person a value of a claim."""
        return await self._one(
            ClaimValue,
            "PUT",
            ("applications", application_id, "claims", claim_id, "users", user_id),
            body=body,
            **condition,
        )

    async def delete_user(
        self, application_id: str, claim_id: str, user_id: str, **condition: Unpack[Condition]
    ) -> None:
        """Take a value from a person."""
        return await self._nothing(
            "DELETE",
            ("applications", application_id, "claims", claim_id, "users", user_id),
            **condition,
        )
