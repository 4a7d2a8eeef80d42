"""Signing keys as they are stored: the private half encrypted."""

from __future__ import annotations

import msgspec

BOUND = "bound:"


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `signing_keys` or `ring_keys`. Times are seconds since the epoch.

    A key without an organization belongs to the global ring. `private_key` is hex ciphertext, after
    `bound:` where it is bound to this row. A PEM, which is not `encrypted`, is left of Porta 1.x or
    somebody else's work, and refused. A key signs from `activated_at` on.
    """

    id: str
    organization_id: str | None = None
    kid: str
    algorithm: str
    public_key: str
    private_key: str
    private_key_iv: str | None = None
    private_key_tag: str | None = None
    encrypted: bool = False
    status: str = "active"
    created_at: float = 0.0
    activated_at: float = 0.0
    retired_at: float | None = None
    expires_at: float | None = None

    @property
    def is_shared(self) -> bool:
        """Whether it is such a key as Porta 1.x has: ES256, of the global ring."""
        return self.algorithm == "ES256" and self.organization_id is None

    @property
    def is_bound(self) -> bool:
        """Whether what is encrypted in it is of use in this row alone."""
        return self.private_key.startswith(BOUND)
