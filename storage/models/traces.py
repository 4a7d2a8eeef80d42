"""Traces: what happened at one interaction until a page refused it, for whoever is asked why."""

from __future__ import annotations

from typing import Any

import msgspec


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """One request that went on, as the record of its interaction carries it: 50 to 150 bytes."""

    at: float
    """Seconds since the epoch."""
    request_id: str
    step: str
    notes: tuple[str, ...] = ()
    """Names of what was decided before the interaction was saved."""


class TraceNote(msgspec.Struct, frozen=True, array_like=True):
    """What was decided in a step: an event of the audit trail, or a refusal with its rule."""

    name: str
    told: dict[str, Any]


class TraceStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request of a browser."""

    at: float
    """Seconds since the epoch."""
    request_id: str
    step: str
    """Method and path, without what may be a credential."""
    status: int | None = None
    """None for a request that went on: it was answered as it asked."""
    client_id: str | None = None
    asks: str | None = None
    """What the interaction waited for (`login`, `consent`, `gesture`), when it was looked at."""
    reasons: tuple[str, ...] = ()
    notes: tuple[TraceNote, ...] = ()


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of an interaction, the last of which showed a support code."""

    code: str
    organization_id: str
    steps: tuple[TraceStep, ...]
