"""Domains: names of the DNS that an organization has proven to be its own."""

from __future__ import annotations

import msgspec


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `domains`. Times are seconds since the epoch."""

    id: str
    organization_id: str
    domain: str
    """In ASCII (IDNA 2008), in lower case."""
    challenge: str
    """What its TXT record has to say; it is no secret."""
    connection_id: str | None = None
    """Where people with an address of it sign in."""
    mode: str = "offer"
    """Whether they may sign in there (`offer`), or have to (`require`)."""
    verified_at: float | None = None
    """When its record was first found; None for what nobody has proven."""
    checked_at: float | None = None
    """When a resolver last said whether it is there."""
    failures: int = 0
    """How often in a row it was not."""
    lapsed_at: float | None = None
    """When it had not been there for too often."""
    created_at: float = 0.0
    updated_at: float = 0.0
    version: int = 0
    """How often it has changed; not written by hand."""
