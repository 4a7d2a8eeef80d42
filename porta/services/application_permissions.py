"""Application permission service: what roles of an application may permit, as it is defined."""

from __future__ import annotations

import builtins
import uuid
from functools import partial
from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Conflict, Invalid, NotFound
from porta.services.commands import ABSENT, Command, Patch
from porta.services.definitions import (
    GENTLY,
    Deletion,
    check_definer,
    find_application,
    hold_application,
)
from porta.services.fields import Description, Id, Name, PermissionSlug
from porta.services.permissions import needs
from porta.services.targets import changes_of, check_page, is_key, require, write_changes
from porta.tenants import slugs
from storage.models.applications import Application
from storage.models.pages import Listed, Page
from storage.models.roles import Permission, Role
from storage.repositories.roles import SORTS

if TYPE_CHECKING:
    from storage.router import Storage


WHAT = "Permission"


class PermissionPatch(Patch):
    """What of a permission may change. Its slug stands in tokens, and does not."""

    name: Name = ABSENT
    description: Description | None = ABSENT


class NewPermission(PermissionPatch):
    """A permission to be made."""

    name: Name
    slug: PermissionSlug = ABSENT
    """Left out, one is made of the application and the name: `crm:general:export-reports`."""
    module_id: Id | None = ABSENT
    """A module of the same application."""


class PermissionFilters(Command):
    """Which permissions are listed."""

    module_id: Id | None = None


@needs("admin:permission:create", unbound=True)
async def create(tx: Storage, actor: Actor, application: str, command: NewPermission) -> Permission:
    """Make a permission of an application. Raises NotFound, Invalid for a module of another one
    or a name that no slug can be made of, Conflict, and Forbidden at that of the administration for
    all but super-administrators.
    """
    owner = await hold_application(tx, application)
    check_definer(actor, owner)
    said = {**command.said(), "slug": _slug_of(owner, command)}
    new = Permission(id=str(uuid.uuid4()), application_id=owner.id, **said)
    made = await tx.roles.insert_permission(new)
    if made is None:
        raise Conflict.at("slug", message="another permission of this application has it")
    if made.module_id != new.module_id:
        raise Invalid.at("moduleId", message="is no module of this application")
    await record_change(tx, actor, "permission.created", None, made, permission_id=made.id)
    return made


@needs("admin:permission:read")
async def get(storage: Storage, actor: Actor, application: str, target: str) -> Permission:
    """Return the permission of this id or slug. Raises NotFound."""
    owner = await find_application(storage, application)
    found = await storage.roles.find_permission(owner.id, target) if is_key(target) else None
    return require(found, WHAT)


@needs("admin:permission:read")
async def list(
    storage: Storage, actor: Actor, application: str, page: Page, filters: PermissionFilters
) -> Listed[Permission]:
    """Return a page of the permissions of an application. Raises NotFound, Invalid."""
    check_page(page, SORTS)
    owner = await find_application(storage, application)
    return await storage.roles.list_permissions(owner.id, page, module_id=filters.module_id)


@needs("admin:permission:read")
async def list_roles_with(
    storage: Storage, actor: Actor, application: str, target: str
) -> builtins.tuple[Role, ...]:
    """Return the roles that have a permission, by slug. Raises NotFound."""
    found = await get(storage, actor, application, target)
    return await storage.roles.with_permission(found.id)


@needs("admin:permission:create", unbound=True)
async def update(
    tx: Storage,
    actor: Actor,
    application: str,
    target: str,
    patch: PermissionPatch,
    version: int | None = None,
) -> Permission:
    """Change what `patch` says of a permission. Raises NotFound, PreconditionFailed, Forbidden."""
    stored = await _held(tx, actor, application, target, version)
    return await write_changes(
        stored, changes_of(stored, patch.said()), WHAT,
        partial(tx.roles.update_permission, stored.id),
        partial(record_change, tx, actor, "permission.updated", permission_id=stored.id),
    )  # fmt: skip


@needs("admin:permission:archive", unbound=True)
async def delete(
    tx: Storage,
    actor: Actor,
    application: str,
    target: str,
    command: Deletion = GENTLY,
    version: int | None = None,
) -> Permission:
    """Delete a permission, and return what it was. It works at once.

    Raises NotFound, PreconditionFailed, Forbidden, and Conflict where roles have it, unless forced.
    """
    stored = await _held(tx, actor, application, target, version)
    if not command.force and await tx.roles.with_permission(stored.id):
        raise Conflict.at("force", message="roles have this permission; it is needed to delete it")
    await tx.roles.delete_permission(stored.id)
    await record_change(tx, actor, "permission.deleted", stored, None, permission_id=stored.id)
    return stored


def _slug_of(owner: Application, command: NewPermission) -> str:
    if "slug" in command.model_fields_set:
        return command.slug
    try:
        return slugs.parse_permission_slug(f"{owner.slug}:general:{slugs.slugify(command.name)}")
    except Invalid:
        raise Invalid.at("slug", message="is missing, and cannot be made of the name") from None


async def _held(
    tx: Storage, actor: Actor, application: str, target: str, version: int | None
) -> Permission:
    owner = await find_application(tx, application)
    check_definer(actor, owner)
    if not is_key(target):
        raise NotFound(f"{WHAT} not found")
    found = await tx.roles.find_permission(owner.id, target, hold=True)
    return require(found, WHAT, version)
