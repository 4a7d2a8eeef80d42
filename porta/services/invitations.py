"""Invitation service: a person gets a mail with a link that is good once, for seven days."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from porta.audit import events
from porta.audit.actors import Actor
from porta.emails.message import Letter
from porta.emails.post import Post
from porta.errors import Conflict, Invalid, NotFound
from porta.services import invitation_letters, pre_assignments
from porta.services.commands import Command
from porta.services.invitation_fields import Invitation, NewInvitation
from porta.services.invitation_letters import Sent
from porta.services.people import hold_user, record_of_person
from porta.services.permissions import needs
from porta.services.targets import check_page, check_sees, is_key, require_id
from storage.models.invitations import ClaimToSet, InvitationDetails, PendingInvitation, RoleToGive
from storage.models.organizations import Organization
from storage.models.pages import Listed, Page
from storage.models.users import User
from storage.repositories.invitations import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Invitation"
_PREVIEW = "PREVIEW_TOKEN"


class InvitationFilters(Command):
    """Which of the invitations that nobody has used."""

    status: Literal["pending", "expired"] | None = None


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that is on its way."""

    user: User
    sent: Sent
    created: bool = False
    """Whether the person was not there before."""


@needs("admin:user:invite")
async def invite(
    tx: Storage, actor: Actor, organization_id: str, command: NewInvitation, *, post: Post
) -> Invited:
    """Invite a person, who is made where there is nobody of this address: a new link, which ends
    all earlier ones, and the mail, queued in the transaction `tx`.

    Raises NotFound, Invalid and Forbidden for what is not to be given, and for somebody who may
    what the actor may not; Conflict for a person or an organization that is not active,
    TooManyRequests, and Unavailable where the queue is full.
    """
    organization = await _open(tx, actor, organization_id)
    await pre_assignments.check(tx, actor, command)
    await _check_client(tx, organization, command.client_id)
    user, created = await _invitee(tx, actor, organization, command)
    details = InvitationDetails(
        roles=tuple(RoleToGive(**each.model_dump()) for each in command.roles),
        claims=tuple(ClaimToSet(**each.model_dump()) for each in command.claims),
        personal_message=command.personal_message,
        client_id=command.client_id,
    )
    sent = await invitation_letters.send(
        tx, actor, organization, user, details, post=post, locale=command.locale
    )
    await _record(tx, actor, "user.invited", user, sent, details)
    return Invited(user, sent, created)


@needs("admin:user:invite")
async def resend(
    tx: Storage, actor: Actor, organization_id: str, target: str, *, post: Post
) -> Invited:
    """Send an invitation once more, also one that has expired, with a new link: the earlier one
    ends. What it carries is now granted by `actor`; what was deleted since is left out.

    Raises as `invite` does, and NotFound for one that was used, or taken back.
    """
    organization = await _open(tx, actor, organization_id)
    # The person first, then the link: in the order in which whoever accepts it holds both.
    user_id = (await _find(tx, organization.id, target)).user_id
    user = await _active(tx, actor, organization, user_id)
    stored = await _find(tx, organization.id, target, hold=True)
    kept, wanted = await pre_assignments.without_gone(tx, stored.details)
    await pre_assignments.check(tx, actor, wanted)
    sent = await invitation_letters.send(tx, actor, organization, user, kept, post=post)
    await _record(tx, actor, "user.invite.resent", user, sent, kept)
    return Invited(user, sent)


@needs("admin:user:invite")
async def revoke(tx: Storage, actor: Actor, organization_id: str, target: str) -> None:
    """Take an invitation back: its link is worth nothing from then on. Raises NotFound."""
    organization = await _organization(tx, actor, organization_id)
    stored = await _find(tx, organization.id, target, hold=True)
    await tx.invitations.end(stored.id)
    await events.record(
        tx,
        "user.invite.revoked",
        organization_id=organization.id,
        user_id=stored.user_id,
        metadata={"invitation_id": stored.id},
        actor=actor,
    )


@needs("admin:user:read")
async def list(
    storage: Storage, actor: Actor, organization_id: str, page: Page, filters: InvitationFilters
) -> Listed[PendingInvitation]:
    """Return a page of the invitations that nobody has used. Raises NotFound, Invalid."""
    check_page(page, SORTS)
    organization = await _organization(storage, actor, organization_id)
    expired = None if filters.status is None else filters.status == "expired"
    return await storage.invitations.list_page(organization.id, page, expired=expired)


@needs("admin:user:invite")
async def preview(
    storage: Storage,
    actor: Actor,
    organization_id: str,
    user: User,
    command: Invitation,
    *,
    post: Post,
) -> Letter:
    """Return the mail that `invite` would send, with a link that leads nowhere; nothing is stored.

    `user` need not exist yet. Raises NotFound.
    """
    organization = await _organization(storage, actor, organization_id)
    return invitation_letters.write(
        post,
        organization,
        user,
        _PREVIEW,
        inviter=await invitation_letters.name_of(storage, actor),
        message=command.personal_message,
        locale=command.locale,
    )


async def _organization(storage: Storage, actor: Actor, organization_id: str) -> Organization:
    check_sees(actor, organization_id, "Organization")
    found = await storage.organizations.find_by_id(organization_id)
    if found is None:
        raise NotFound("Organization not found")
    return found


async def _open(tx: Storage, actor: Actor, organization_id: str) -> Organization:
    organization = await _organization(tx, actor, organization_id)
    if organization.status != "active":
        raise Conflict(f"the organization is {organization.status}")
    return organization


async def _find(
    tx: Storage, organization_id: str, target: str, *, hold: bool = False
) -> PendingInvitation:
    found = await tx.invitations.find(require_id(target, WHAT), organization_id, hold=hold)
    if found is None:
        raise NotFound(f"{WHAT} not found")
    return found


async def _invitee(
    tx: Storage, actor: Actor, organization: Organization, command: NewInvitation
) -> tuple[User, bool]:
    """Return who is invited, and whether they were made for it: active, as in Porta 1.x, with no
    way in before they accept.
    """
    new = User(
        id=str(uuid.uuid4()),
        organization_id=organization.id,
        email=command.email,
        given_name=command.given_name,
        family_name=command.family_name,
        locale=command.locale,
    )
    made = await tx.users.insert(new)
    if made is not None:
        await record_of_person(tx, actor, "user.created", None, made)
        return made, True
    found = await tx.users.find_by_email(organization.id, command.email)
    if found is None:
        raise Conflict.at("email", message="this person changed at the same time")
    return await _active(tx, actor, organization, found.id), False


async def _active(tx: Storage, actor: Actor, organization: Organization, id: str) -> User:
    user = await hold_user(tx, actor, id, organization.id)
    if user.status != "active":
        raise Conflict(f"the person is {user.status}")
    return user


async def _check_client(tx: Storage, organization: Organization, client_id: str | None) -> None:
    if client_id is None:
        return
    client = await tx.clients.find_by_key(client_id) if is_key(client_id) else None
    if client is None or client.organization_id != organization.id or client.status != "active":
        raise Invalid.at("clientId", message="this organization has no such active client")


async def _record(
    tx: Storage, actor: Actor, event_type: str, user: User, sent: Sent, carried: InvitationDetails
) -> None:
    """That, and with which roles and claims; what they are set to is the person's own."""
    await events.record(
        tx,
        event_type,
        organization_id=user.organization_id,
        user_id=user.id,
        metadata={
            "invitation_id": sent.id,
            "role_ids": [each.role_id for each in carried.roles],
            "claim_ids": [each.claim_definition_id for each in carried.claims],
        },
        actor=actor,
    )
