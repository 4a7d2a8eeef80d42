"""Set-up letters: the link itself, and the news that it was used, to whoever made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.emails.message import Letter
from porta.emails.post import Post
from porta.pages import branding
from porta.pages.template_functions import day
from porta.pages.values import utc_time
from storage.models.organizations import Organization
from storage.models.setup_links import SetupLink

if TYPE_CHECKING:
    from storage.router import Storage

NOTICE = 3 * 86_400
"""Seconds for which it is tried to tell that a link was used."""


def write(
    post: Post,
    organization: Organization,
    link: SetupLink,
    url: str,
    *,
    domain: str | None,
    locale: str | None,
) -> Letter:
    """Return the mail that brings a link; one that proves a `domain` names it."""
    emails = post.emails
    language = emails.language(locale, organization.default_locale)
    company = branding.brand(organization).company
    return emails.render(
        "setup_link",
        emails.words(language, "emails.setup_link.subject", company=company),
        organization,
        language,
        connection=link.name,
        domain=domain,
        url=url,
        until=f"{day(language, link.expires_at)}, {utc_time(link.expires_at)}",
    )


async def tell(
    tx: Storage, post: Post, organization: Organization, link: SetupLink, what: str
) -> None:
    """Queue the news that a link was used for a connection, or a domain, `what`; to nobody where a
    machine made it, or this installation sends no mail.
    """
    if not post.is_sent or link.made_by is None:
        return
    address = await tx.auth_tokens.find_address(link.made_by)
    if address is None:
        return
    emails = post.emails
    language = emails.language(organization.default_locale)
    company = branding.brand(organization).company
    letter = emails.render(
        "setup_done",
        emails.words(language, "emails.setup_done.subject", company=company),
        organization,
        language,
        connection=what if link.provider else None,
        domain=None if link.provider else what,
    )
    await post.queue(
        tx, "setup_done", letter, to=address, organization_id=organization.id, lifetime=NOTICE
    )
