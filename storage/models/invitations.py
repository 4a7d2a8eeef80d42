"""Invitations: what a mailed link offers beside a way in, as Porta 1.x spells it, and more."""

from __future__ import annotations

from typing import Any

import msgspec


class RoleToGive(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A role that whoever accepts is given."""

    application_id: str
    role_id: str


class ClaimToSet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A claim that whoever accepts has from then on."""

    application_id: str
    claim_definition_id: str
    value: Any


class InvitationDetails(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True
):
    """The column `details`. Porta 1.x knows the first four fields, and writes no others."""

    roles: tuple[RoleToGive, ...] = ()
    claims: tuple[ClaimToSet, ...] = ()
    personal_message: str | None = None
    inviter_name: str | None = None
    client_id: str | None = None
    """The client that the person is led to once they have accepted."""
    by_system: bool = False
    """Whether Porta itself invites, which may give everything."""


class PendingInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `invitation_tokens` that nobody has used, with its person. Times are seconds since
    the epoch.
    """

    id: str
    user_id: str
    organization_id: str
    email: str
    given_name: str | None
    family_name: str | None
    created_at: float
    expires_at: float
    invited_by: str | None
    """The person who invites; `invited_by_client` is the internal id of a client that does."""
    invited_by_client: str | None
    details: InvitationDetails
    is_expired: bool


def decode_details(text: str | None) -> InvitationDetails:
    """Return what the column holds; what cannot be read of it offers nothing."""
    try:
        return msgspec.json.decode(text or "{}", type=InvitationDetails)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return InvitationDetails()
