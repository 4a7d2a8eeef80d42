"""User claims: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Unpack

from porta.admin_client.model import Entity
from porta.admin_client.resource import Condition, Resource
from porta.admin_client.resources.shared import NewValue


class NamedValue(Entity, frozen=True, kw_only=True):
    """A person's value of a claim, by the name of the claim."""

    claim_definition_id: str
    claim_name: str
    claim_slug: str
    application_id: str
    value: Any
    updated_at: datetime


class UserClaimsResource(Resource):
    """User claims."""

    async def list(self, organization_id: str, user_id: str) -> tuple[NamedValue, ...]:
        """List the values of somebody of an organization."""
        return await self._all(
            NamedValue, "GET", ("organizations", organization_id, "users", user_id, "claims")
        )

    async def set(
        self,
        organization_id: str,
        user_id: str,
        claim_id: str,
        body: NewValue,
        **condition: Unpack[Condition],
    ) -> NamedValue:
        """Give somebody of an organization a value."""
        return await self._one(
            NamedValue,
            "PUT",
            ("organizations", organization_id, "users", user_id, "claims", claim_id),
            body=body,
            **condition,
        )

    async def delete(
        self, organization_id: str, user_id: str, claim_id: str, **condition: Unpack[Condition]
    ) -> None:
        """Take a value from somebody of an organization."""
        return await self._nothing(
            "DELETE",
            ("organizations", organization_id, "users", user_id, "claims", claim_id),
            **condition,
        )
