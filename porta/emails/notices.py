"""Security notice: what changed about how a person signs in, mailed to them (SP 800-63B §4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from porta.emails.message import Letter
from porta.emails.post import Post
from storage.models.organizations import Organization
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage

_CHANGED = "account_changed"
LIFETIME = 3 * 86_400
"""Seconds for which it is tried to send one."""


def write(
    post: Post, template: str, organization: Organization, user: User, **values: Any
) -> Letter:
    """Return the notice `template` to a person; its subject is `emails.{template}.subject`."""
    return post.emails.write(
        template, organization, user.locale, name=user.given_name, email=user.email, **values
    )


async def queue(
    tx: Storage, post: Post, template: str, letter: Letter, user: User, *, to: str | None = None
) -> None:
    """Queue a notice in the transaction that changes it; `to` their address of before, where it is
    another by now. Raises Unavailable for a full queue.
    """
    await post.queue(
        tx, template, letter, to=to or user.email,
        organization_id=user.organization_id, lifetime=LIFETIME, user_id=user.id,
    )  # fmt: skip


async def tell_change(
    tx: Storage,
    post: Post,
    organization: Organization,
    user: User,
    what: str,
    url: str,
    *,
    to: str | None = None,
    **told: str,
) -> None:
    """Tell a person what has changed at their account, which is at `url`, in the transaction that
    changes it: the text `emails.account_changed.{what}`, with their address as `email`, `company`
    and what else is `told`. Nothing where this installation sends no mail.
    """
    if not post.is_sent:
        return
    letter = write(post, _CHANGED, organization, user, what=what, url=url, told=told)
    await queue(tx, post, _CHANGED, letter, user, to=to)
