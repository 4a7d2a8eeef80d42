"""Owner notices: what an administrator changed about how a person signs in, mailed to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.emails import notices
from porta.emails.post import Post
from porta.protocol import endpoints
from porta.services.targets import require
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage


async def tell(tx: Storage, post: Post | None, user: User, what: str, **told: str) -> None:
    """Tell a person `what` was changed (`notices.tell_change`), at the address that `user` has, in
    the transaction that changes it. Nobody is told of what a file says, for which there is no
    `post`. Raises Unavailable for a full queue.
    """
    if post is None or not post.is_sent:
        return
    home = require(await tx.organizations.find_by_id(user.organization_id), "Organization")
    url = f"{post.issuer_base_url}/{home.slug}{endpoints.ACCOUNT}"
    await notices.tell_change(tx, post, home, user, what, url, **told)
