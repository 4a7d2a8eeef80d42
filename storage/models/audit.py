"""Audit entries as they are read, sealed and proven."""

from __future__ import annotations

from typing import Any

import msgspec

from storage.models.events import Event


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `audit_log`. `created_at` is seconds since the epoch."""

    id: str
    event_type: str
    event_category: str
    actor_id: str | None
    actor_type: str | None
    """`user`, `client`, `system` or `anonymous`; None of entries of Porta 1.x."""
    actor_client: str | None
    """The client_id of a machine that acted."""
    organization_id: str | None
    user_id: str | None
    description: str | None
    metadata: dict[str, Any]
    ip_address: str | None
    user_agent: str | None
    request_id: str | None
    created_at: float


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A place among all seals, with the entry that is sealed there."""

    place: int
    entry: AuditEntry | None
    """None where it is gone, or was there before the chain."""


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries: those that fulfil all that is not None."""

    event_type: str | None = None
    event_prefix: str | None = None
    organization_id: str | None = None
    user_id: str | None = None
    actor_id: str | None = None
    application_id: str | None = None
    """Of what happened to an application, or to what it defines."""
    client_id: str | None = None
    """Of what administrators did to the client of this client_id."""
    since: float | None = None
    """Seconds since the epoch, as `until`."""
    until: float | None = None

    def matches(self, entry: AuditEntry) -> bool:
        """Whether an entry is wanted, as far as ids and the type go."""
        return all(
            wanted in (None, found)
            for wanted, found in (
                (self.event_type, entry.event_type),
                (self.organization_id, entry.organization_id),
                (self.user_id, entry.user_id),
                (self.actor_id, entry.actor_id),
            )
        )


class Recorded(Event, frozen=True, kw_only=True):
    """A row of `audit_log` to the last digit, as proofs are made of it.

    `created_at` is RFC 3339 in UTC with microseconds.
    """

    sequence: int
    created_at: str | None


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """The place of an entry in the chain of its organization. All but numbers and texts is hex."""

    place: int
    """Among all seals, from 1, without a gap."""
    chain: str
    """The organization, or INSTALLATION."""
    position: int
    """In the chain, from 1, without a gap."""
    entry: str
    proof: str
    """What its authentication code proved when it was sealed."""
    origin: str
    """Commitment to address and program."""
    origin_salt: str | None
    """None where these were erased."""
    content: str
    """Commitment to description and metadata."""
    content_salt: str | None
    sealed_at: str | None
    hash: str


class Head(msgspec.Struct, frozen=True, array_like=True):
    """How far a chain goes."""

    chain: str
    position: int
    hash: str


class SealedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A seal with what it seals; None where that is gone."""

    seal: Seal
    entry: Recorded | None


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A signed statement of how far the chains go. `content` is JSON, `signature` hex."""

    number: int
    content: str
    kid: str
    signature: str


class SealingState(msgspec.Struct, frozen=True, kw_only=True):
    """Where sealing stands."""

    place: int
    """Of the last seal."""
    backlog_after: int
    """Entries up to `backlog_last` were there before the chain, and are sealed up to here."""
    backlog_last: int
    closed_at: int | None
    """The place after which each entry has a code; None while Porta 1.x, or a version before this
    one, may write some without.
    """
    unproven_for: float
    """Seconds since the last such entry was sealed."""
    checkpoint: int
    """The number of the last checkpoint."""
    checkpoint_place: int
    checkpoint_hash: str
    checkpoint_age: float
    now: str
    """RFC 3339, with microseconds."""


INSTALLATION = "00000000-0000-0000-0000-000000000000"
"""The chain of what happened in no organization."""

ERASED = "audit.person.erased"
"""What is personal of a person was erased from the trail; the entry that says so stays whole."""
