"""Personal data: what is kept of one person, beside their row (GDPR Art. 15, 17)."""

from __future__ import annotations

import msgspec


class AssignedRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role that a person holds. `assigned_at` is seconds since the epoch, as all times here."""

    role_id: str
    role_name: str
    role_slug: str
    application_id: str
    assigned_at: float


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """A client that a person let in: one family of tokens, which is kept until it is purged."""

    client_id: str
    created_at: float
    expires_at: float
    revoked_at: float | None
    revoked_reason: str | None


class SentLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that a person was sent: `invitation`, `password_reset` or `magic_link`."""

    kind: str
    created_at: float
    expires_at: float
    used_at: float | None
