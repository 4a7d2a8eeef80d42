"""Trusted devices: browsers at which a person is not asked for a second factor for a time."""

from __future__ import annotations

import msgspec


class NewTrustedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that a person has just said this of."""

    digest: str
    """SHA-256 of the secret that its cookie holds."""
    user_agent: str | None
    """What it called itself, for people to recognize it by; it decides nothing."""
    ip_address: str | None
    in_place_of: str | None = None
    """Digest of the secret that the same browser had for this person before."""


class TrustedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `trusted_devices` that is good. Times: seconds since the epoch."""

    id: str
    user_agent: str | None
    ip_address: str | None
    created_at: float
    last_used_at: float | None
    expires_at: float
