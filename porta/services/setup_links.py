"""Set-up link service: an administrator lets somebody connect one provider, or prove one domain.

The link carries no right of its own: what it does is done with those that whoever made it has by
then, and nothing more than a connection without powers, or a domain as it was claimed (0048).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, Strict

from porta.audit import events
from porta.audit.actors import Actor
from porta.emails.post import Post
from porta.errors import Conflict, Forbidden, Invalid, TooManyRequests
from porta.protocol import endpoints
from porta.protocol.federation import PROVIDERS
from porta.security import link_tokens
from porta.services import fields, setup_letters
from porta.services.commands import Command
from porta.services.permissions import needs
from porta.services.targets import check_page, find_home, require_id, require_visible
from storage.models.organizations import Organization
from storage.models.pages import Listed, Page
from storage.models.setup_links import SetupLink
from storage.repositories.setup_links import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Set-up link"
MOST = 20
"""Links of an organization that are open at a time."""
MOST_TO_ADDRESS = 5
"""Links that one address is sent within an hour, by whatever organizations."""
MOST_MAILED = 50
"""Links that an organization mails within a day, to whatever addresses: ended ones count too, as
each had the name that somebody gave it.
"""
_HOUR, _DAY = 3600, 86_400


class NewSetupLink(Command):
    """A link for one purpose: a connection to this provider, or this domain."""

    provider: Annotated[str, fields.one_of(tuple(PROVIDERS))] | None = None
    name: fields.Name | None = None
    """What people will know the connection by; needed with `provider`."""
    domain_id: fields.Id | None = None
    """A domain that the organization has claimed."""
    email: fields.Email | None = None
    """Where it is mailed to; without one it is answered, once."""
    locale: fields.PageLocale | None = None
    """The language of the mail."""
    hours: Annotated[int, Strict(), Field(ge=1, le=168)] = 72
    """How long it is good."""


@dataclass(frozen=True, slots=True)
class Made:
    """A link that was just made."""

    link: SetupLink
    url: str | None
    """Where it leads; None where it was mailed, and nobody else is told."""


@needs("admin:org:update")
async def create(
    tx: Storage, actor: Actor, organization: str, command: NewSetupLink, *, post: Post
) -> Made:
    """Make a link at an organization (id or slug), and queue its mail in the transaction `tx`.

    Raises NotFound, Invalid, Conflict, Forbidden, TooManyRequests, and Unavailable where the queue
    is full.
    """
    home = await find_home(tx, actor, organization)
    _check(home, command, post)
    domain = await _find_domain(tx, home, command)
    await _check_limits(tx, home, command.email)
    token, lifetime = link_tokens.new_token(), command.hours * _HOUR
    new = SetupLink(
        id=str(uuid.uuid4()), organization_id=home.id, provider=command.provider,
        name=command.name, connection_id=str(uuid.uuid4()) if command.provider else None,
        domain_id=command.domain_id, sent_to=command.email, made_by=actor.user_id,
        made_by_client=actor.client_id,
    )  # fmt: skip
    made = await tx.setup_links.insert(new, token.digest, lifetime)
    await record(tx, "setup_link.created", made, actor)
    url = url_of(post, home, token.value)
    if command.email is None:
        return Made(made, url)
    letter = setup_letters.write(post, home, made, url, domain=domain, locale=command.locale)
    await post.queue(
        tx, "setup_link", letter, to=command.email, organization_id=home.id, lifetime=lifetime
    )
    return Made(made, None)


@needs("admin:org:read")
async def list(storage: Storage, actor: Actor, organization: str, page: Page) -> Listed[SetupLink]:
    """Return a page of the links of an organization that are open, or were used before their time
    is over. Raises NotFound, Invalid.
    """
    check_page(page, SORTS)
    home = await find_home(storage, actor, organization)
    return await storage.setup_links.list_page(home.id, page)


@needs("admin:org:update")
async def revoke(tx: Storage, actor: Actor, target: str, *, within: str) -> None:
    """End a link of an organization: what was typed there is forgotten. Raises NotFound, also for
    one that was used.
    """
    found = await tx.setup_links.hold(require_id(target, WHAT), within)
    link = require_visible(actor, found, within, WHAT)
    await tx.setup_links.end(link.id, link.organization_id)
    await record(tx, "setup_link.revoked", link, actor)


def url_of(post: Post, home: Organization, token: str) -> str:
    """Return where a link leads: from the settings, whatever host was asked."""
    issuer = f"{post.issuer_base_url}/{home.slug}"
    return endpoints.absolute(issuer, endpoints.SETUP, token=token)


async def record(
    tx: Storage, event_type: str, link: SetupLink, actor: Actor, **told: object
) -> None:
    """Record what becomes of a link, without what anybody typed."""
    purpose = {"provider": link.provider} if link.provider else {"domain_id": link.domain_id}
    await events.record(
        tx, event_type, organization_id=link.organization_id, actor=actor,
        metadata={"setup_link_id": link.id, **purpose, **told},
    )  # fmt: skip


def _check(home: Organization, command: NewSetupLink, post: Post) -> None:
    if home.is_super_admin:
        raise Forbidden("where administrators sign in, they decide it themselves")
    if home.status != "active":
        raise Conflict(f"the organization is {home.status}")
    if (command.provider is None) == (command.domain_id is None):
        raise Invalid.at("provider", message="give either provider or domainId: a link is for one")
    if (command.provider is None) != (command.name is None):
        raise Invalid.at("name", message="belongs to a provider, and is needed with it")
    if command.email is not None and not post.is_sent:
        raise Invalid.at("email", message="this installation sends no mail")


async def _find_domain(tx: Storage, home: Organization, command: NewSetupLink) -> str | None:
    """Return the name of the domain that a link is for, if it is. Raises Invalid."""
    if command.domain_id is None:
        return None
    domain = await tx.domains.find(command.domain_id)
    if domain is None or domain.organization_id != home.id:
        raise Invalid.at("domainId", message="this organization has no such domain")
    return domain.domain


async def _check_limits(tx: Storage, home: Organization, email: str | None) -> None:
    opened, sent = await tx.setup_links.hold_count(home.id, email)
    if opened >= MOST:
        raise Conflict(f"an organization has {MOST} open set-up links at most")
    if sent >= MOST_TO_ADDRESS:
        raise TooManyRequests("this address got enough links for now", retry_after=_HOUR)
    if email is None:
        return
    excess = await tx.setup_links.count_mailed(home.id, MOST_MAILED, _DAY)
    if excess is not None:
        raise TooManyRequests(
            f"an organization mails {MOST_MAILED} set-up links a day at most",
            retry_after=excess.retry_after,
        )
