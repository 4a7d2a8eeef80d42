"""Client secrets: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.model import Model
from porta.admin_client.resource import Change, Once, Resource
from porta.admin_client.resources.shared import Reasoned, ShownSecret


class Secret(Model, frozen=True, kw_only=True):
    """A secret, never its value."""

    id: str
    client_id: str
    label: str | None
    expires_at: datetime | None
    status: str
    last_used_at: datetime | None
    created_at: datetime


class NewSecret(Model, frozen=True, kw_only=True):
    """One more secret of a confidential client. Without a `value`, 256 random bits are taken."""

    label: str | UnsetType | None = UNSET
    value: str | UnsetType | None = UNSET
    expires_at: datetime | UnsetType | None = UNSET


class ClientSecretsResource(Resource):
    """Client secrets."""

    async def list(self, client_id: str) -> tuple[Secret, ...]:
        """List the secrets of a client, never their values."""
        return await self._all(Secret, "GET", ("clients", client_id, "secrets"))

    async def create(
        self, client_id: str, body: NewSecret | None = None, **once: Unpack[Once]
    ) -> ShownSecret:
        """Give a client one more secret, which is shown this once."""
        return await self._one(
            ShownSecret, "POST", ("clients", client_id, "secrets"), body=body, **once
        )

    async def revoke(
        self, client_id: str, secret_id: str, body: Reasoned | None = None, **once: Unpack[Once]
    ) -> None:
        """End a secret of a client for good."""
        return await self._nothing(
            "POST", ("clients", client_id, "secrets", secret_id, "revoke"), body=body, **once
        )

    async def delete(self, client_id: str, secret_id: str, **change: Unpack[Change]) -> None:
        """End a secret of a client for good."""
        return await self._nothing("DELETE", ("clients", client_id, "secrets", secret_id), **change)
