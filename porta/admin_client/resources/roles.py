"""Roles: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.listing import Listed
from porta.admin_client.model import Model
from porta.admin_client.resource import Change, Condition, ConditionalOnce, Once, Resource
from porta.admin_client.resources.shared import Permission, Role


class NewRole(Model, frozen=True, kw_only=True):
    """A role to be made."""

    name: str
    slug: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET


class RolePatch(Model, frozen=True, kw_only=True):
    """What of a role may change. Its slug is what tokens, and the applications that read them, call
    it.
    """

    name: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET


class PermissionIds(Model, frozen=True, kw_only=True):
    """Permissions of an application."""

    permission_ids: tuple[str, ...]


class Holder(Model, frozen=True, kw_only=True):
    """Who holds a role, and who gave it."""

    user_id: str
    role_id: str
    assigned_by: str | None
    created_at: datetime


class RolesResource(Resource):
    """Roles."""

    async def create(self, application_id: str, body: NewRole, **once: Unpack[Once]) -> Role:
        """Make a role of an application."""
        return await self._one(
            Role, "POST", ("applications", application_id, "roles"), body=body, **once
        )

    def list(
        self,
        application_id: str,
        *,
        sort_by: Literal["name", "slug", "created_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        page_size: int = 100,
    ) -> Listed[Role]:
        """List the roles of an application."""
        return self._pages(
            Role,
            ("applications", application_id, "roles"),
            query={"sortBy": sort_by, "sortOrder": sort_order},
            page_size=page_size,
        )

    async def get(self, application_id: str, role_id: str) -> Role:
        """Read a role, by id or slug."""
        return await self._one(Role, "GET", ("applications", application_id, "roles", role_id))

    async def update(
        self, application_id: str, role_id: str, body: RolePatch, **condition: Unpack[Condition]
    ) -> Role:
        """Change a role."""
        return await self._one(
            Role,
            "PATCH",
            ("applications", application_id, "roles", role_id),
            body=body,
            **condition,
        )

    async def delete(
        self,
        application_id: str,
        role_id: str,
        *,
        force: bool | None = None,
        **condition: Unpack[Condition],
    ) -> None:
        """Delete a role; where people hold it, with `force` alone."""
        return await self._nothing(
            "DELETE",
            ("applications", application_id, "roles", role_id),
            query={"force": force},
            **condition,
        )

    async def archive(
        self,
        application_id: str,
        role_id: str,
        *,
        force: bool | None = None,
        **once: Unpack[ConditionalOnce],
    ) -> None:
        """The same, as some clients call it."""
        return await self._nothing(
            "POST",
            ("applications", application_id, "roles", role_id, "archive"),
            query={"force": force},
            **once,
        )

    async def permissions(self, application_id: str, role_id: str) -> tuple[Permission, ...]:
        """List what a role permits."""
        return await self._all(
            Permission, "GET", ("applications", application_id, "roles", role_id, "permissions")
        )

    async def set_permissions(
        self, application_id: str, role_id: str, body: PermissionIds, **change: Unpack[Change]
    ) -> None:
        """Let a role permit more."""
        return await self._nothing(
            "PUT",
            ("applications", application_id, "roles", role_id, "permissions"),
            body=body,
            **change,
        )

    async def delete_permissions(
        self, application_id: str, role_id: str, body: PermissionIds, **change: Unpack[Change]
    ) -> None:
        """Let a role permit less."""
        return await self._nothing(
            "DELETE",
            ("applications", application_id, "roles", role_id, "permissions"),
            body=body,
            **change,
        )

    def users(
        self,
        application_id: str,
        role_id: str,
        *,
        sort_by: str | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        org_id: str,
        page_size: int = 100,
    ) -> Listed[Holder]:
        """List who holds a role in an organization."""
        return self._pages(
            Holder,
            ("applications", application_id, "roles", role_id, "users"),
            query={"sortBy": sort_by, "sortOrder": sort_order, "orgId": org_id},
            page_size=page_size,
        )
