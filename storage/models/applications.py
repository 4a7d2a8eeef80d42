"""Applications and their modules."""

from __future__ import annotations

import msgspec


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `applications`: of no organization. Times are seconds since the epoch."""

    id: str
    name: str
    slug: str
    description: str | None = None
    status: str = "active"
    created_at: float = 0.0
    updated_at: float = 0.0
    version: int = 0
    """How often it has changed; not written by hand."""


class ApplicationModule(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `application_modules`."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None = None
    status: str = "active"
    created_at: float = 0.0
    updated_at: float = 0.0
    version: int = 0
