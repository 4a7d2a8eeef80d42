"""Passkeys: credentials of people, as WebAuthn makes them; several of each."""

from __future__ import annotations

import msgspec


class NewPasskey(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that an authenticator has just made, and what it told of itself."""

    credential_id: str
    """In base64url, as all that WebAuthn calls an id."""
    public_key: bytes
    """A COSE key (RFC 9052 §7)."""
    sign_count: int
    backup_eligible: bool
    """Whether it may be copied to other devices; it never changes."""
    backed_up: bool
    aaguid: str | None = None
    """The model of the authenticator, where it tells: a UUID."""
    transports: tuple[str, ...] = ()
    attestation_format: str = "none"
    attestation: bytes = b""
    """The attestation object as it came. It is kept, and nothing is decided by it."""


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `passkeys`, with the user handle of its owner. Times: seconds since the epoch."""

    id: str
    organization_id: str
    user_id: str
    handle: str
    """What its owner is called to authenticators, in base64url: no id of ours."""
    credential_id: str
    public_key: bytes
    name: str
    sign_count: int
    transports: tuple[str, ...]
    backup_eligible: bool
    backed_up: bool
    aaguid: str | None
    attestation_format: str
    created_at: float
    last_used_at: float | None
    removed_at: float | None
    version: int
