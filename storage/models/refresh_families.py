"""Refresh families as administrators see them: what lets a client act for a person for long."""

from __future__ import annotations

import msgspec


class RefreshFamily(msgspec.Struct, frozen=True, kw_only=True):
    """The refresh tokens that descend from one authorization. Times are seconds since the epoch.

    `id` is the digest of the code it was founded with, and no secret.
    """

    id: str
    organization_id: str
    user_id: str
    client_id: str
    """As clients call themselves."""
    session_id: str
    """The `sid` of the session it began in, which may be over."""
    scope: str
    created_at: float
    last_used_at: float
    """When its newest refresh token was issued."""
    expires_at: float
    revoked_at: float | None
    revoked_reason: str | None


class FamilyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which families: those that fulfil all that is not None."""

    organization_id: str | None = None
    user_id: str | None = None
    client_id: str | None = None
    active_only: bool = True
