"""Refresh tokens of Porta 1.x, as it stored them."""

from __future__ import annotations

from uuid import UUID

import msgspec


class LegacyPayload(msgspec.Struct, frozen=True, rename="camel"):
    """What it says of itself. Times are seconds since the epoch."""

    account_id: UUID
    client_id: str
    grant_id: str
    iat: int
    scope: str = ""
    auth_time: int | None = None
    iiat: int | None = None
    """When the first token of its line was issued."""
    nonce: str | None = None
    session_uid: str = ""
    rotations: int = 0
    resource: str | tuple[str, ...] = ()
    expires_with_session: bool = False
    jkt: str | None = None
    """Thumbprint of the key that it is bound to (RFC 9449 §5)."""
    certificate: str | None = msgspec.field(default=None, name="x5t#S256")
    """That of the certificate (RFC 8705 §3)."""
    attestation_jkt: str | None = None
    """That of the key of the instance of its client (attestation-based client authentication)."""

    @property
    def is_bound(self) -> bool:
        """Whether it is good only with the proof of a key."""
        return (self.jkt, self.certificate, self.attestation_jkt) != (None, None, None)


class LegacyRefreshToken(msgspec.Struct, frozen=True):
    """A row of `oidc_payloads` that has not expired, and what decides whether it is still good."""

    payload: LegacyPayload
    expires_at: float
    is_consumed: bool
    """Porta 1.x has rotated it."""
    granted_scope: str | None
    """None where its grant is gone, or has expired."""
    ended_at: float | None
    """When the rights of its account ended last; a token issued before is dead."""
