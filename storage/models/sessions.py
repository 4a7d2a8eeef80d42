"""Sessions as administrators see them."""

from __future__ import annotations

import msgspec


class SessionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A browser's sign-in. Times are seconds since the epoch.

    `id` is the `sid` of its ID tokens, and no secret: what the cookie holds is kept nowhere.
    """

    id: str
    organization_id: str
    user_id: str
    client_id: str | None
    """The client_id that it issued tokens for last."""
    ip_address: str | None
    user_agent: str | None
    created_at: float
    expires_at: float
    last_activity_at: float
    revoked_at: float | None


class SessionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions: those that fulfil all that is not None."""

    organization_id: str | None = None
    user_id: str | None = None
    client_id: str | None = None
    active_only: bool = True
