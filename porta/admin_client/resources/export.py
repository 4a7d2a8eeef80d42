"""Export: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from porta.admin_client.resource import Resource


class ExportResource(Resource):
    """Export."""

    async def organizations(self, *, format: Literal["json", "csv"] | None = None) -> bytes:
        """Export organizations as a file."""
        return await self._content("GET", ("export", "organizations"), query={"format": format})

    async def applications(self, *, format: Literal["json", "csv"] | None = None) -> bytes:
        """Export applications as a file."""
        return await self._content("GET", ("export", "applications"), query={"format": format})

    async def clients(
        self,
        *,
        format: Literal["json", "csv"] | None = None,
        organization_id: str | None = None,
        application_id: str | None = None,
    ) -> bytes:
        """Export clients as a file."""
        return await self._content(
            "GET",
            ("export", "clients"),
            query={
                "format": format,
                "organizationId": organization_id,
                "applicationId": application_id,
            },
        )

    async def users(
        self, *, format: Literal["json", "csv"] | None = None, organization_id: str | None = None
    ) -> bytes:
        """Export users as a file."""
        return await self._content(
            "GET", ("export", "users"), query={"format": format, "organizationId": organization_id}
        )

    async def roles(
        self, *, format: Literal["json", "csv"] | None = None, application_id: str | None = None
    ) -> bytes:
        """Export roles as a file."""
        return await self._content(
            "GET", ("export", "roles"), query={"format": format, "applicationId": application_id}
        )

    async def permissions(
        self, *, format: Literal["json", "csv"] | None = None, application_id: str | None = None
    ) -> bytes:
        """Export permissions as a file."""
        return await self._content(
            "GET",
            ("export", "permissions"),
            query={"format": format, "applicationId": application_id},
        )

    async def claims(
        self, *, format: Literal["json", "csv"] | None = None, application_id: str | None = None
    ) -> bytes:
        """Export claims as a file."""
        return await self._content(
            "GET", ("export", "claims"), query={"format": format, "applicationId": application_id}
        )

    async def audit(
        self,
        *,
        format: Literal["json", "csv"] | None = None,
        organization_id: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> bytes:
        """Export the audit trail as a file."""
        return await self._content(
            "GET",
            ("export", "audit"),
            query={
                "format": format,
                "organizationId": organization_id,
                "startDate": start_date,
                "endDate": end_date,
            },
        )
