"""Role service: roles and permissions of applications, as administrators define them."""

from __future__ import annotations

import builtins
import uuid
from functools import partial
from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Conflict, Forbidden, Invalid, NotFound
from porta.services.commands import ABSENT, Command, Patch, Slugged
from porta.services.definitions import GENTLY, Deletion, find_application, hold_application
from porta.services.fields import Description, Ids, Name, RoleSlug
from porta.services.permissions import ADMINISTRATION, SUPER_ADMIN, needs
from porta.services.targets import changes_of, check_page, is_key, require, write_changes
from storage.models.applications import Application
from storage.models.pages import Listed, Page
from storage.models.roles import Permission, Role
from storage.repositories.roles import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Role"


class RolePatch(Patch):
    """What of a role may change. Its slug is what tokens, and the applications that read them, call
    it.
    """

    name: Name = ABSENT
    slug: RoleSlug = ABSENT
    description: Description | None = ABSENT


class NewRole(RolePatch, Slugged):
    """A role to be made."""

    name: Name


class PermissionIds(Command):
    """Permissions of an application."""

    permission_ids: Ids


@needs("admin:role:create", unbound=True)
async def create(tx: Storage, actor: Actor, application: str, command: NewRole) -> Role:
    """Make a role of an application. Raises NotFound, Conflict when it has the slug already."""
    owner = await hold_application(tx, application)
    made = await tx.roles.insert(
        Role(id=str(uuid.uuid4()), application_id=owner.id, **command.said())
    )
    if made is None:
        raise _taken()
    await record_change(tx, actor, "role.created", None, made, role_id=made.id)
    return made


@needs("admin:role:read")
async def get(storage: Storage, actor: Actor, application: str, target: str) -> Role:
    """Return the role of this id or slug. Raises NotFound."""
    owner = await find_application(storage, application)
    found = await storage.roles.find(owner.id, target) if is_key(target) else None
    return require(found, WHAT)


@needs("admin:role:read")
async def list(storage: Storage, actor: Actor, application: str, page: Page) -> Listed[Role]:
    """Return a page of the roles of an application. Raises NotFound, Invalid."""
    check_page(page, SORTS)
    owner = await find_application(storage, application)
    return await storage.roles.list_page(owner.id, page)


@needs("admin:role:update", unbound=True)
async def update(
    tx: Storage,
    actor: Actor,
    application: str,
    target: str,
    patch: RolePatch,
    version: int | None = None,
) -> Role:
    """Change what `patch` says of a role. Raises NotFound, PreconditionFailed, Conflict for the
    slug of another one, Invalid for another slug of a role of administrators, and Forbidden for one
    of these that permits more than the actor may.
    """
    owner, stored = await _held(tx, actor, application, target, version)
    await _check_not_more(tx, actor, owner, stored)
    changes = changes_of(stored, patch.said())
    if "slug" in changes:
        await _check_slug_is_free(tx, owner, changes["slug"])
    return await write_changes(
        stored, changes, WHAT, partial(tx.roles.update, stored.id),
        partial(record_change, tx, actor, "role.updated", role_id=stored.id),
    )  # fmt: skip


@needs("admin:role:archive", unbound=True)
async def delete(
    tx: Storage,
    actor: Actor,
    application: str,
    target: str,
    command: Deletion = GENTLY,
    version: int | None = None,
) -> Role:
    """Delete a role, and return what it was. It works at once.

    Raises NotFound, PreconditionFailed, Forbidden, and Conflict where people hold it, unless
    forced, or nobody could administer without it.
    """
    owner, stored = await _held(tx, actor, application, target, version)
    await _check_not_more(tx, actor, owner, stored)
    _check_not_super_admin(owner, stored)
    if not command.force and await tx.user_roles.is_held(stored.id):
        raise Conflict.at("force", message="people hold this role; it is needed to delete it")
    await tx.roles.delete(stored.id)
    await record_change(tx, actor, "role.deleted", stored, None, role_id=stored.id)
    return stored


@needs("admin:role:read")
async def list_granted(
    storage: Storage, actor: Actor, application: str, target: str
) -> builtins.tuple[Permission, ...]:
    """Return the permissions of a role, by slug. Raises NotFound."""
    return await storage.roles.granted((await get(storage, actor, application, target)).id)


@needs("admin:role:update", unbound=True)
async def grant(
    tx: Storage, actor: Actor, application: str, target: str, command: PermissionIds
) -> None:
    """Give permissions of the application to a role of it. It works at once.

    Raises NotFound, Invalid for what is no permission of it, and Forbidden for what the actor
    does not hold, where they are those of administrators.
    """
    owner, stored = await _held(tx, actor, application, target)
    await _check_may(tx, actor, owner, command)
    given = await tx.roles.grant(stored.id, command.permission_ids)
    if given:
        await _record_permissions(tx, actor, "role.permissions.assigned", stored, given)


@needs("admin:role:update", unbound=True)
async def revoke(
    tx: Storage, actor: Actor, application: str, target: str, command: PermissionIds
) -> None:
    """Take permissions from a role. It works at once. Raises as `grant` does, and Invalid for the
    role without which nobody could administer.
    """
    owner, stored = await _held(tx, actor, application, target)
    _check_not_super_admin(owner, stored)
    await _check_may(tx, actor, owner, command)
    taken = await tx.roles.revoke(stored.id, command.permission_ids)
    if taken:
        await _record_permissions(tx, actor, "role.permissions.removed", stored, taken)


async def _held(
    tx: Storage, actor: Actor, application: str, target: str, version: int | None = None
) -> tuple[Application, Role]:
    owner = await find_application(tx, application)
    if not is_key(target):
        raise NotFound(f"{WHAT} not found")
    return owner, require(await tx.roles.find(owner.id, target, hold=True), WHAT, version)


async def _check_slug_is_free(tx: Storage, owner: Application, slug: str) -> None:
    if owner.slug == ADMINISTRATION:
        raise Invalid.at("slug", message="a role of administrators is found by it")
    await hold_application(tx, owner.id)  # nobody else makes a role of this slug meanwhile
    if await tx.roles.find(owner.id, slug) is not None:
        raise _taken()


def _taken() -> Conflict:
    return Conflict.at("slug", message="another role of this application has it")


def _check_not_super_admin(owner: Application, role: Role) -> None:
    if owner.slug == ADMINISTRATION and role.slug in SUPER_ADMIN:
        raise Conflict("without this role nobody could administer")


async def _check_not_more(tx: Storage, actor: Actor, owner: Application, role: Role) -> None:
    """Whoever may less than a role of administrators permits has no business with it."""
    if owner.slug == ADMINISTRATION:
        held = {each.slug for each in await tx.roles.granted(role.id)}
        if not actor.holds(frozenset(held)):
            raise Forbidden("this role permits what you may not do yourself")


async def _check_may(tx: Storage, actor: Actor, owner: Application, command: PermissionIds) -> None:
    known = {each.id: each.slug for each in await tx.roles.permissions(owner.id)}
    for index, id in enumerate(command.permission_ids):
        if id not in known:
            raise Invalid.at("permissionIds", index, message="is no permission of this application")
    slugs = frozenset(known[id] for id in command.permission_ids)
    if owner.slug == ADMINISTRATION and not actor.holds(slugs):
        raise Forbidden("nobody grants, or takes, what they do not hold themselves")


async def _record_permissions(
    tx: Storage, actor: Actor, event_type: str, role: Role, ids: frozenset[str]
) -> None:
    await record_change(
        tx, actor, event_type, None, None, role_id=role.id, permission_ids=sorted(ids)
    )
