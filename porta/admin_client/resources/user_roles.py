"""User roles: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.model import Model
from porta.admin_client.resource import Change, Once, Resource
from porta.admin_client.resources.shared import Permission


class HeldRole(Model, frozen=True, kw_only=True):
    """A role that somebody holds; `role…` are the same under the names that some clients know."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None
    created_at: datetime
    updated_at: datetime
    user_id: str
    role_id: str
    role_name: str
    role_slug: str


class OneOrMoreRoles(Model, frozen=True, kw_only=True):
    """Roles to be given: several, or one."""

    role_ids: tuple[str, ...] | UnsetType | None = UNSET
    role_id: str | UnsetType | None = UNSET


class UserRolesResource(Resource):
    """User roles."""

    async def list(self, organization_id: str, user_id: str) -> tuple[HeldRole, ...]:
        """List the roles that somebody holds, of every application."""
        return await self._all(
            HeldRole, "GET", ("organizations", organization_id, "users", user_id, "roles")
        )

    async def set(
        self, organization_id: str, user_id: str, body: OneOrMoreRoles, **change: Unpack[Change]
    ) -> None:
        """Give somebody roles."""
        return await self._nothing(
            "PUT",
            ("organizations", organization_id, "users", user_id, "roles"),
            body=body,
            **change,
        )

    async def create(
        self,
        organization_id: str,
        user_id: str,
        body: OneOrMoreRoles | None = None,
        **once: Unpack[Once],
    ) -> None:
        """Give somebody roles."""
        return await self._nothing(
            "POST", ("organizations", organization_id, "users", user_id, "roles"), body=body, **once
        )

    async def remove(
        self,
        organization_id: str,
        user_id: str,
        body: OneOrMoreRoles | None = None,
        **change: Unpack[Change],
    ) -> None:
        """Take roles from somebody."""
        return await self._nothing(
            "DELETE",
            ("organizations", organization_id, "users", user_id, "roles"),
            body=body,
            **change,
        )

    async def delete(
        self, organization_id: str, user_id: str, role_id: str, **change: Unpack[Change]
    ) -> None:
        """Take one role from somebody."""
        return await self._nothing(
            "DELETE",
            ("organizations", organization_id, "users", user_id, "roles", role_id),
            **change,
        )

    async def permissions(self, organization_id: str, user_id: str) -> tuple[Permission, ...]:
        """List what somebody's roles permit."""
        return await self._all(
            Permission,
            "GET",
            ("organizations", organization_id, "users", user_id, "roles", "permissions"),
        )
