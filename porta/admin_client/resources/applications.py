"""Applications: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.listing import Listed
from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Condition, ConditionalOnce, Once, Resource
from porta.admin_client.resources.shared import Happened, Reasoned


class Application(Entity, frozen=True, kw_only=True):
    """What is registered: its clients, roles, permissions and claims hang on it."""

    id: str
    name: str
    slug: str
    description: str | None
    status: str
    created_at: datetime
    updated_at: datetime


class ApplicationBody(Model, frozen=True, kw_only=True):
    """An application to be made."""

    name: str
    description: str | UnsetType | None = UNSET
    slug: str | UnsetType = UNSET
    organization_id: str | UnsetType | None = UNSET


class ApplicationPatch(Model, frozen=True, kw_only=True):
    """What of an application may change."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET


class ApplicationsResource(Resource):
    """Applications."""

    async def create(self, body: ApplicationBody, **once: Unpack[Once]) -> Application:
        """Make an application."""
        return await self._one(Application, "POST", ("applications",), body=body, **once)

    def list(
        self,
        *,
        sort_by: Literal["name", "created_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        status: Literal["active", "inactive", "archived"] | None = None,
        search: str | None = None,
        page_size: int = 100,
    ) -> Listed[Application]:
        """List applications."""
        return self._pages(
            Application,
            ("applications",),
            query={"sortBy": sort_by, "sortOrder": sort_order, "status": status, "search": search},
            page_size=page_size,
        )

    async def get(self, application_id: str) -> Application:
        """Read an application, by id or slug."""
        return await self._one(Application, "GET", ("applications", application_id))

    async def update(
        self, application_id: str, body: ApplicationPatch, **condition: Unpack[Condition]
    ) -> Application:
        """Change an application."""
        return await self._one(
            Application, "PATCH", ("applications", application_id), body=body, **condition
        )

    async def activate(
        self, application_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Make an inactive application active."""
        return await self._nothing(
            "POST", ("applications", application_id, "activate"), body=body, **once
        )

    async def restore(
        self, application_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """The same, as some clients call it."""
        return await self._nothing(
            "POST", ("applications", application_id, "restore"), body=body, **once
        )

    async def deactivate(
        self, application_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Refuse its clients, and end what they hold."""
        return await self._nothing(
            "POST", ("applications", application_id, "deactivate"), body=body, **once
        )

    async def archive(
        self, application_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Archive an application for good."""
        return await self._nothing(
            "POST", ("applications", application_id, "archive"), body=body, **once
        )

    def history(
        self, application_id: str, *, event_type: str | None = None, page_size: int = 100
    ) -> Listed[Happened]:
        """Tell what happened to an application."""
        return self._pages(
            Happened,
            ("applications", application_id, "history"),
            query={"eventType": event_type},
            page_size=page_size,
        )
