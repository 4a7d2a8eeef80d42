"""Connections: the identity providers that an organization's people sign in at; identities."""

from __future__ import annotations

import msgspec


class RoleRule(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever has `value` in `claim`, told by the provider, holds these roles."""

    claim: str
    value: str
    role_ids: tuple[str, ...]


class LedDomain(msgspec.Struct, frozen=True, kw_only=True):
    """A proven domain, as whoever is to sign in meets it."""

    domain: str
    required: bool
    """Whether nobody of it signs in elsewhere."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `connections`. Times are seconds since the epoch."""

    id: str
    organization_id: str
    provider: str
    """The name of a line of `porta.protocol.federation.PROVIDERS`."""
    name: str
    """What people know it by."""
    issuer: str
    """Whose word is taken. It never changes: who somebody is, is said by it."""
    client_id: str
    client_secret: str | None = None
    """Encrypted (`porta.security.connection_secrets`)."""
    scopes: tuple[str, ...] = ()
    """Those beside the provider's own."""
    options: dict[str, str] = {}
    """What only some providers ask for: Apple's `team_id` and `key_id`."""
    claim_mapping: dict[str, str] = {}
    """The claim of the provider by the field of a person."""
    role_mapping: tuple[RoleRule, ...] = ()
    allowed_tenants: tuple[str, ...] = ()
    """Of a provider with tenants of its own, those whose people are let in."""
    allowed_domains: tuple[str, ...] = ()
    """Domains of the addresses that are let in; empty for all."""
    authoritative_domains: tuple[str, ...] = ()
    """Domains of which this provider says whose address it is: an account is found by it."""
    creates_accounts: bool = False
    trusts_second_factor: bool = False
    """Whether who signed in there is not asked for a second factor here."""
    status: str = "active"
    domains: tuple[LedDomain, ...] = ()
    """Proven domains whose people are led here: read for those who sign in, and never written."""
    created_at: float = 0.0
    updated_at: float = 0.0
    version: int = 0
    """How often it has changed; not written by hand."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `identities`: that a person is `subject` at `issuer`. Times: seconds, epoch."""

    id: str
    connection_id: str
    user_id: str
    issuer: str
    subject: str
    email: str | None = None
    name: str | None = None
    """What they are called there, where no address is told."""
    created_at: float = 0.0
    last_used_at: float = 0.0
    """When they were last there and signed in here by it, or else when it was linked."""

    def was_used_after(self, at: float) -> bool:
        """Whether it was used by somebody who was there later than `at`."""
        return at < self.last_used_at != self.created_at


class LinkedIdentity(Identity, frozen=True, kw_only=True):
    """An identity, with the connection that it is of."""

    connection_name: str
    connection_status: str
