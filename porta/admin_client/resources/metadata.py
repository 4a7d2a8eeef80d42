"""Metadata: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from porta.admin_client.model import Model
from porta.admin_client.resource import Resource


class Metadata(Model, frozen=True, kw_only=True):
    """What a command line needs before it has a token."""

    issuer: str
    org_slug: str
    client_id: str | None
    audience: str


class MetadataResource(Resource):
    """Metadata."""

    async def get(self) -> Metadata:
        """Tell where administrators sign in."""
        return await self._plain(Metadata, "GET", ("metadata",))
