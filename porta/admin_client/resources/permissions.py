"""Permissions: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from typing import Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.listing import Listed
from porta.admin_client.model import Model
from porta.admin_client.resource import Condition, ConditionalOnce, Once, Resource
from porta.admin_client.resources.shared import Permission, Role


class NewPermission(Model, frozen=True, kw_only=True):
    """A permission to be made."""

    name: str
    description: str | UnsetType | None = UNSET
    slug: str | UnsetType = UNSET
    module_id: str | UnsetType | None = UNSET


class PermissionPatch(Model, frozen=True, kw_only=True):
    """What of a permission may change. Its slug stands in tokens, and does not."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET


class PermissionsResource(Resource):
    """Permissions."""

    async def roles(self, application_id: str, permission_id: str) -> tuple[Role, ...]:
        """List the roles that have a permission."""
        return await self._all(
            Role, "GET", ("applications", application_id, "permissions", permission_id, "roles")
        )

    async def create(
        self, application_id: str, body: NewPermission, **once: Unpack[Once]
    ) -> Permission:
        """Make a permission of an application."""
        return await self._one(
            Permission, "POST", ("applications", application_id, "permissions"), body=body, **once
        )

    def list(
        self,
        application_id: str,
        *,
        sort_by: Literal["name", "slug", "created_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        module_id: str | None = None,
        page_size: int = 100,
    ) -> Listed[Permission]:
        """List the permissions of an application."""
        return self._pages(
            Permission,
            ("applications", application_id, "permissions"),
            query={"sortBy": sort_by, "sortOrder": sort_order, "moduleId": module_id},
            page_size=page_size,
        )

    async def get(self, application_id: str, permission_id: str) -> Permission:
        """Read a permission, by id or slug."""
        return await self._one(
            Permission, "GET", ("applications", application_id, "permissions", permission_id)
        )

    async def update(
        self,
        application_id: str,
        permission_id: str,
        body: PermissionPatch,
        **condition: Unpack[Condition],
    ) -> Permission:
        """Change a permission."""
        return await self._one(
            Permission,
            "PATCH",
            ("applications", application_id, "permissions", permission_id),
            body=body,
            **condition,
        )

    async def delete(
        self,
        application_id: str,
        permission_id: str,
        *,
        force: bool | None = None,
        **condition: Unpack[Condition],
    ) -> None:
        """Delete a permission; where roles have it, with `force` alone."""
        return await self._nothing(
            "DELETE",
            ("applications", application_id, "permissions", permission_id),
            query={"force": force},
            **condition,
        )

    async def archive(
        self,
        application_id: str,
        permission_id: str,
        *,
        force: bool | None = None,
        **once: Unpack[ConditionalOnce],
    ) -> None:
        """The same, as some clients call it."""
        return await self._nothing(
            "POST",
            ("applications", application_id, "permissions", permission_id, "archive"),
            query={"force": force},
            **once,
        )
