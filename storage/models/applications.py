"""Applications and their modules."""

from __future__ import annotations

import msgspec


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `applications`. An application belongs to no organization."""

    id: str
    name: str
    slug: str
    description: str | None = None
    status: str = "active"


class ApplicationModule(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `application_modules`."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None = None
    status: str = "active"
