"""Modules: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Condition, ConditionalOnce, Once, Resource
from porta.admin_client.resources.shared import Reasoned


class Module(Entity, frozen=True, kw_only=True):
    """A part of an application, by which its permissions are grouped."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None
    status: str
    is_active: bool
    created_at: datetime
    updated_at: datetime


class NewModule(Model, frozen=True, kw_only=True):
    """A module to be made."""

    name: str
    description: str | UnsetType | None = UNSET
    status: Literal["active", "inactive"] | UnsetType = UNSET
    slug: str | UnsetType = UNSET


class ModulePatch(Model, frozen=True, kw_only=True):
    """What of a module may change."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    status: Literal["active", "inactive"] | UnsetType = UNSET


class ModulesResource(Resource):
    """Modules."""

    async def create(self, application_id: str, body: NewModule, **once: Unpack[Once]) -> Module:
        """Make a module of an application."""
        return await self._one(
            Module, "POST", ("applications", application_id, "modules"), body=body, **once
        )

    async def list(self, application_id: str) -> tuple[Module, ...]:
        """List the modules of an application."""
        return await self._all(Module, "GET", ("applications", application_id, "modules"))

    async def get(self, application_id: str, module_id: str) -> Module:
        """Read a module."""
        return await self._one(
            Module, "GET", ("applications", application_id, "modules", module_id)
        )

    async def update(
        self, application_id: str, module_id: str, body: ModulePatch, **condition: Unpack[Condition]
    ) -> Module:
        """Change a module."""
        return await self._one(
            Module,
            "PATCH",
            ("applications", application_id, "modules", module_id),
            body=body,
            **condition,
        )

    async def delete(
        self, application_id: str, module_id: str, **condition: Unpack[Condition]
    ) -> None:
        """The same, as some clients call it."""
        return await self._nothing(
            "DELETE", ("applications", application_id, "modules", module_id), **condition
        )

    async def deactivate(
        self,
        application_id: str,
        module_id: str,
        body: Reasoned | None = None,
        **once: Unpack[ConditionalOnce],
    ) -> None:
        """Deactivate a module."""
        return await self._nothing(
            "POST",
            ("applications", application_id, "modules", module_id, "deactivate"),
            body=body,
            **once,
        )
