"""Config: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Unpack

from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Condition, Resource


class Setting(Entity, frozen=True, kw_only=True):
    """A setting of the system."""

    key: str
    value: Any
    value_type: str
    description: str | None
    is_sensitive: bool
    updated_at: datetime | None


class Value(Model, frozen=True, kw_only=True):
    """What a setting is to be: of its type, or the same as text."""

    value: bool | int | str


class ConfigResource(Resource):
    """Config."""

    async def list(self) -> tuple[Setting, ...]:
        """List every setting, those that were never set with their defaults."""
        return await self._all(Setting, "GET", ("config",))

    async def get(self, key: str) -> Setting:
        """Read a setting."""
        return await self._one(Setting, "GET", ("config", key))

    async def set(self, key: str, body: Value, **condition: Unpack[Condition]) -> Setting:
        """Change a setting; it takes effect within a minute, as a rule within a second."""
        return await self._one(Setting, "PUT", ("config", key), body=body, **condition)
