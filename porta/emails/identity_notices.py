"""Notices of linked identities: an account can be signed in to at another provider, or no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.emails import notices
from porta.emails.post import Post
from storage.models.organizations import Organization
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage


async def queue(
    tx: Storage,
    post: Post,
    template: str,
    organization: Organization,
    user: User,
    *,
    connection: str,
    address: str | None,
) -> None:
    """Queue the notice `template` to the owner of an account, in the transaction that changes it:
    the provider by what its `connection` is called, and the address that somebody has there.

    What else they are called there was chosen by somebody who may be a stranger to the owner, and
    stands in no mail. Raises Unavailable for a full queue.
    """
    letter = notices.write(
        post, template, organization, user, connection=connection, address=address
    )
    await notices.queue(tx, post, template, letter, user)
