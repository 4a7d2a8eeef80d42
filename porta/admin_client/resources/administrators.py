"""Administrators: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from typing import Unpack

from porta.admin_client.model import Model
from porta.admin_client.resource import Change, Resource
from porta.admin_client.resources.shared import Delegated


class AdministratorRoles(Model, frozen=True, kw_only=True):
    """Roles of the application of the administration."""

    role_ids: tuple[str, ...]


class AdministratorsResource(Resource):
    """Administrators."""

    async def list(self, id_or_slug: str) -> tuple[Delegated, ...]:
        """List who administers this organization and no other one."""
        return await self._all(Delegated, "GET", ("organizations", id_or_slug, "administrators"))

    async def set(
        self, id_or_slug: str, user_id: str, body: AdministratorRoles, **change: Unpack[Change]
    ) -> None:
        """Let a person of the administrators' organization administer this one alone."""
        return await self._nothing(
            "PUT", ("organizations", id_or_slug, "administrators", user_id), body=body, **change
        )

    async def delete(self, id_or_slug: str, user_id: str, **change: Unpack[Change]) -> None:
        """Let a person administer this organization no more."""
        return await self._nothing(
            "DELETE", ("organizations", id_or_slug, "administrators", user_id), **change
        )
