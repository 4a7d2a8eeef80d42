"""People as targets: found within what an actor sees, and never above what the actor may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Forbidden
from porta.services.permissions import ADMINISTRATION
from porta.services.targets import require, require_id, require_visible
from storage.models.users import User, UserProfile

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "User"


async def find_user(
    storage: Storage, actor: Actor, target: str, within: str | None = None
) -> UserProfile:
    """Return the person of this id. Raises NotFound, also for one of an organization that the
    actor does not see, or another one than `within`, where that is named.
    """
    found = await storage.users.find(require_id(target, WHAT))
    return require_visible(actor, found, within, WHAT)


async def hold_user(
    tx: Storage,
    actor: Actor,
    target: str,
    within: str | None = None,
    version: int | None = None,
) -> UserProfile:
    """Return the person of this id as `find_user` does, held until the transaction ends.

    Raises NotFound, PreconditionFailed, and Forbidden for somebody who may what the actor may not:
    whoever can change an administrator's password, or address, is that administrator.
    """
    found = await tx.users.find(require_id(target, WHAT), hold=True)
    user = require(require_visible(actor, found, within, WHAT), WHAT, version)
    if not actor.is_system:
        held = await tx.user_roles.permitted(user.id, user.organization_id, ADMINISTRATION)
        if not actor.holds(held):
            raise Forbidden("this person may what you may not")
    return user


async def is_super_admin(storage: Storage, user_id: str) -> bool:
    """Whether it is the person that `porta init` made: they can always get in, else nobody could
    let others in.
    """
    return (await storage.system_config.all()).get("super_admin_user_id") == user_id


async def check_not_super_admin(storage: Storage, user: User, what: str) -> None:
    """Raise Forbidden for the super-admin user, of whom `what` holds whoever asks."""
    if await is_super_admin(storage, user.id):
        raise Forbidden(f"the super-admin user {what}")


async def record_of_person(
    tx: Storage,
    actor: Actor,
    event_type: str,
    before: UserProfile | None,
    after: UserProfile,
    **more: str,
) -> None:
    """Record that a person `before` became `after`."""
    await record_change(
        tx,
        actor,
        event_type,
        before,
        after,
        organization_id=after.organization_id,
        user_id=after.id,
        **more,
    )
