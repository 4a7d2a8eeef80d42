"""Traces: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Resource


class TraceNote(Model, frozen=True, kw_only=True):
    """What was decided in a step."""

    name: str
    told: dict[str, Any]


class Step(Model, frozen=True, kw_only=True):
    """One request of the browser."""

    at: datetime
    request_id: str
    step: str
    status: int | None
    client_id: str | None
    asks: str | None
    reasons: tuple[str, ...]
    notes: tuple[TraceNote, ...]


class Trace(Entity, frozen=True, kw_only=True):
    """What happened until a page showed this code; no secret, name or address is in it."""

    code: str
    organization_id: str
    steps: tuple[Step, ...]


class TracesResource(Resource):
    """Traces."""

    async def get(self, support_code: str) -> Trace:
        """Tell what happened until a page showed this support code, for a day."""
        return await self._one(Trace, "GET", ("traces", support_code))
