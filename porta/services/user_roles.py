"""User roles: which roles people hold, and what that permits, as administrators give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Forbidden, Invalid
from porta.services.commands import Command
from porta.services.definitions import find_application
from porta.services.fields import Ids
from porta.services.people import find_user, hold_user, is_super_admin
from porta.services.permissions import ADMINISTRATION, SUPER_ADMIN, needs
from porta.services.targets import check_page, is_key, require
from storage.models.pages import Listed, Page
from storage.models.roles import HeldRole, Permission, Role
from storage.models.users import User
from storage.repositories.user_roles import SORTS

if TYPE_CHECKING:
    from storage.router import Storage


class RoleIds(Command):
    """Roles, of any application."""

    role_ids: Ids


@needs("admin:role:read")
async def list_roles(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> tuple[Role, ...]:
    """Return the roles that a person holds, of every application. Raises NotFound."""
    user = await find_user(storage, actor, target, within)
    return await storage.user_roles.of_user(user.id, user.organization_id)


@needs("admin:role:read")
async def list_permissions(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> tuple[Permission, ...]:
    """Return what a person's roles permit, once each. Raises NotFound."""
    user = await find_user(storage, actor, target, within)
    return await storage.user_roles.permissions_of_user(user.id, user.organization_id)


@needs("admin:role:read")
async def list_holders(
    storage: Storage, actor: Actor, application: str, role: str, page: Page, organization: str = ""
) -> Listed[HeldRole]:
    """Return a page of who holds a role, in one organization (its id) or, as far as the actor sees
    them, in all. Raises NotFound, Invalid.
    """
    check_page(page, SORTS)
    owner = await find_application(storage, application)
    found = require(await storage.roles.find(owner.id, role) if is_key(role) else None, "Role")
    only = actor.organization_id or organization or None
    if organization and not actor.sees(organization):
        return Listed(rows=())
    return await storage.user_roles.list_holders(found.id, page, organization_id=only)


@needs("admin:role:assign")
async def check_may_assign(tx: Storage, actor: Actor, command: RoleIds) -> None:
    """Raise as `assign` does for these roles, whoever is to have them; nothing is given."""
    await _find_permitted(tx, actor, command)


@needs("admin:role:assign")
async def assign(
    tx: Storage, actor: Actor, target: str, command: RoleIds, *, within: str | None = None
) -> None:
    """Give roles to a person. It works at once.

    Raises NotFound, Invalid for what is no role, and Forbidden for a role of administrators that
    permits what the actor may not.
    """
    user = await hold_user(tx, actor, target, within)
    await _find_permitted(tx, actor, command)
    given = await tx.user_roles.assign(
        user.id, user.organization_id, command.role_ids, actor.user_id
    )
    if given:
        await _record(tx, actor, "user.roles.assigned", user, given)


@needs("admin:role:assign")
async def remove(
    tx: Storage, actor: Actor, target: str, command: RoleIds, *, within: str | None = None
) -> None:
    """Take roles from a person. It works at once.

    Raises as `assign` does, and Forbidden where the super-admin user would be one no more.
    """
    user = await hold_user(tx, actor, target, within)
    known = await _find_permitted(tx, actor, command)
    administers = any(
        application == ADMINISTRATION and slug in SUPER_ADMIN
        for slug, application, _ in known.values()
    )
    if administers and await is_super_admin(tx, user.id):
        raise Forbidden("the super-admin user keeps what makes it one")
    taken = await tx.user_roles.remove(user.id, user.organization_id, command.role_ids)
    if taken:
        await _record(tx, actor, "user.roles.removed", user, taken)


async def _find_permitted(
    tx: Storage, actor: Actor, command: RoleIds
) -> dict[str, tuple[str, str, frozenset[str]]]:
    """Return the roles by id: slug, application, permissions. Raises Invalid, Forbidden."""
    known = await tx.user_roles.find_roles(command.role_ids)
    for index, id in enumerate(command.role_ids):
        if id not in known:
            raise Invalid.at("roleIds", index, message="there is no such role")
    for _, application, permissions in known.values():
        if application == ADMINISTRATION and not actor.holds(permissions):
            raise Forbidden("nobody grants, or takes, what they do not hold themselves")
    return known


async def _record(
    tx: Storage, actor: Actor, event_type: str, user: User, ids: frozenset[str]
) -> None:
    await record_change(
        tx,
        actor,
        event_type,
        organization_id=user.organization_id,
        user_id=user.id,
        role_ids=sorted(ids),
    )
