"""Invitation service: a person gets a mail with a link that is good once, for seven days."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from porta.audit import events
from porta.audit.actors import Actor
from porta.emails.message import Letter
from porta.emails.post import Post
from porta.errors import Conflict, NotFound, TooManyRequests
from porta.services.commands import Command
from porta.services.permissions import needs
from porta.services.targets import check_sees
from storage.models.organizations import Organization
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage

TTL = 7 * 86400
"""Seconds for which an invitation is good, as in Porta 1.x."""
MOST_PER_HOUR = 5
"""Invitations that one person is sent within an hour (requirement G.7)."""
_HOUR = 3600
_PREVIEW = "PREVIEW_TOKEN"


class Invitation(Command):
    """What an invitation says beside the link."""

    personal_message: str | None = Field(None, max_length=500)
    locale: str | None = Field(None, max_length=10)
    """A BCP 47 tag; by default the person's language, else the organization's."""


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that is on its way."""

    user: User
    expires_at: float
    """Seconds since the epoch."""
    job_id: int


@needs("admin:user:invite")
async def invite(
    tx: Storage,
    actor: Actor,
    organization_id: str,
    user_id: str,
    command: Invitation,
    *,
    post: Post,
) -> Invited:
    """Invite a person that exists: a new link, which ends all earlier ones, and the mail, queued in
    the transaction `tx`.

    Raises NotFound, Conflict for a person or an organization that is not active,
    TooManyRequests, and Unavailable where the queue is full.
    """
    organization, user = await _addressee(tx, actor, organization_id, user_id)
    if await tx.auth_tokens.count_invitations(user.id, _HOUR) >= MOST_PER_HOUR:
        raise TooManyRequests("this person got enough invitations for now", retry_after=_HOUR)
    token = secrets.token_urlsafe(32)
    letter = await _write(tx, actor, organization, user, command, post, token)
    digest = hashlib.sha256(token.encode()).hexdigest()
    expires_at = await tx.auth_tokens.invite(user.id, digest, TTL, actor.user_id)
    job_id = await post.queue(
        tx,
        "invitation",
        letter,
        to=user.email,
        organization_id=organization.id,
        lifetime=TTL,
        user_id=user.id,
    )
    await events.record(
        tx, "user.invited", organization_id=organization.id, user_id=user.id, actor=actor
    )
    return Invited(user, expires_at, job_id)


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
    return await _write(storage, actor, organization, user, command, post, _PREVIEW)


async def _addressee(
    tx: Storage, actor: Actor, organization_id: str, user_id: str
) -> tuple[Organization, User]:
    organization = await _organization(tx, actor, organization_id)
    user = await tx.users.find_by_id(user_id, organization.id)
    if user is None:
        raise NotFound("User not found")
    if organization.status != "active":
        raise Conflict(f"the organization is {organization.status}")
    if user.status != "active":
        raise Conflict(f"the person is {user.status}")
    return organization, user


async def _organization(storage: Storage, actor: Actor, organization_id: str) -> Organization:
    check_sees(actor, organization_id, "Organization")
    organization = await storage.organizations.find_by_id(organization_id)
    if organization is None:
        raise NotFound("Organization not found")
    return organization


async def _write(
    storage: Storage,
    actor: Actor,
    organization: Organization,
    user: User,
    command: Invitation,
    post: Post,
    token: str,
) -> Letter:
    emails = post.emails
    language = emails.language(command.locale, user.locale, organization.default_locale)
    company = (organization.branding_company_name or organization.name).strip()
    inviter = await _name_of(storage, actor)
    told = {"inviter": inviter, "company": company} if inviter else {"company": company}
    key = "emails.invitation.subject_from" if inviter else "emails.invitation.subject"
    return emails.render(
        "invitation",
        emails.words(language, key, **told),
        organization,
        language,
        name=" ".join(filter(None, (user.given_name, user.family_name))),
        inviter=inviter,
        message=(command.personal_message or "").strip(),
        # From the settings, whatever host was asked (requirement E.4).
        url=f"{post.issuer_base_url}/{organization.slug}/auth/accept-invite/{token}",
        days=TTL // 86400,
    )


async def _name_of(storage: Storage, actor: Actor) -> str:
    """Return the address of the administrator, as 1.x shows it; a machine has none."""
    if actor.user_id is None:
        return ""
    return await storage.auth_tokens.find_address(actor.user_id) or ""
