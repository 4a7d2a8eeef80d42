"""Invitation letters: written in the person's language, counted, and queued with a new link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from porta.audit.actors import Actor
from porta.emails.message import Letter
from porta.emails.post import Post
from porta.errors import TooManyRequests
from porta.security import link_tokens
from storage.models.invitations import InvitationDetails
from storage.models.organizations import Organization
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage

TTL = 7 * 86400
"""Seconds for which an invitation is good, as in Porta 1.x."""
MOST_TO_PERSON = 5
"""Invitations that one person is sent within an hour (requirement G.7)."""
MOST_TO_ADDRESS = 10
"""The same for an address, of whatever organizations."""
MOST_BY_INVITER = 200
"""Invitations that one administrator, or one client, sends within an hour in one organization."""
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Sent:
    """An invitation that is on its way."""

    id: str
    expires_at: float
    """Seconds since the epoch."""
    job_id: int


async def send(
    tx: Storage,
    actor: Actor,
    organization: Organization,
    user: User,
    details: InvitationDetails,
    *,
    post: Post,
    locale: str | None = None,
) -> Sent:
    """Queue the mail with a new link, which ends all earlier ones of this person.

    Raises TooManyRequests, and Unavailable where the queue is full.
    """
    await _check_limits(tx, actor, user)
    inviter = await name_of(tx, actor)
    token = link_tokens.new_token()
    letter = write(
        post, organization, user, token.value, inviter=inviter, message=details.personal_message,
        locale=locale,
    )  # fmt: skip
    stored = msgspec.structs.replace(
        details, inviter_name=inviter or None, by_system=actor.is_system
    )
    id, expires_at = await tx.invitations.insert(
        user.id, token.digest, TTL, stored,
        invited_by=actor.user_id, invited_by_client=actor.client_id,
    )  # fmt: skip
    job_id = await post.queue(
        tx, "invitation", letter, to=user.email, organization_id=organization.id, lifetime=TTL,
        user_id=user.id,
    )  # fmt: skip
    return Sent(id, expires_at, job_id)


def write(
    post: Post,
    organization: Organization,
    user: User,
    token: str,
    *,
    inviter: str,
    message: str | None,
    locale: str | None,
) -> Letter:
    """Return the mail that invites `user` by a link with this token.

    `inviter` is how they know who invites, or empty; `locale` a language that goes before theirs.
    """
    emails = post.emails
    language = emails.language(locale, user.locale, organization.default_locale)
    company = (organization.branding_company_name or organization.name).strip()
    told = {"inviter": inviter, "company": company} if inviter else {"company": company}
    key = "emails.invitation.subject_from" if inviter else "emails.invitation.subject"
    return emails.render(
        "invitation",
        emails.words(language, key, **told),
        organization,
        language,
        name=" ".join(filter(None, (user.given_name, user.family_name))),
        inviter=inviter,
        message=(message or "").strip(),
        # From the settings, whatever host was asked (requirement E.4).
        url=f"{post.issuer_base_url}/{organization.slug}/auth/accept-invite/{token}",
        days=TTL // 86400,
    )


async def name_of(storage: Storage, actor: Actor) -> str:
    """Return the address of the administrator, as 1.x shows it; a machine has none."""
    if actor.user_id is None:
        return ""
    return await storage.auth_tokens.find_address(actor.user_id) or ""


async def _check_limits(tx: Storage, actor: Actor, user: User) -> None:
    counted = await tx.invitations.hold_count(
        user.id, user.email, actor.user_id or actor.client_id, _HOUR
    )
    most = (MOST_TO_PERSON, MOST_TO_ADDRESS, MOST_BY_INVITER)
    who = ("this person got", "this address got", "you sent")
    for number, limit, whom in zip(counted, most, who, strict=True):
        if number >= limit:
            raise TooManyRequests(f"{whom} enough invitations for now", retry_after=_HOUR)
