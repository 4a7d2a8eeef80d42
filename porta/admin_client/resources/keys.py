"""Keys: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Once, Resource


class Key(Model, frozen=True, kw_only=True):
    """A signing key; nothing of its private half."""

    id: str
    kid: str
    algorithm: str
    organization_id: str | None
    status: str
    is_active: bool
    created_at: datetime
    signs_from: datetime
    leaves_at: datetime | None
    retired_at: datetime | None
    rotated_at: datetime | None


class Made(Entity, frozen=True, kw_only=True):
    """Keys that were made: the first, and all of them."""

    id: str
    kid: str
    message: str
    retired_count: int
    keys: tuple[str, ...]


class Ring(Model, frozen=True, kw_only=True):
    """Which ring, and which of its algorithms; all of them where none is named."""

    organization_id: str | UnsetType | None = UNSET
    algorithm: Literal["ES256", "RS256", "PS256", "EdDSA"] | UnsetType | None = UNSET


class Revocation(Model, frozen=True, kw_only=True):
    """Whether the key is revoked although no other one could sign then."""

    force: bool | UnsetType = UNSET


class KeysResource(Resource):
    """Keys."""

    async def list(self) -> tuple[Key, ...]:
        """List the keys of every ring, the newest first."""
        return await self._all(Key, "GET", ("keys",))

    async def generate(self, body: Ring | None = None, **once: Unpack[Once]) -> Made:
        """Give a ring the keys that it lacks, or else its next ones."""
        return await self._one(Made, "POST", ("keys", "generate"), body=body, **once)

    async def rotate(self, body: Ring | None = None, **once: Unpack[Once]) -> Made:
        """Give a ring its next keys."""
        return await self._one(Made, "POST", ("keys", "rotate"), body=body, **once)

    async def revoke(self, kid: str, body: Revocation | None = None, **once: Unpack[Once]) -> None:
        """Take a key out of its ring for good."""
        return await self._nothing("POST", ("keys", kid, "revoke"), body=body, **once)
