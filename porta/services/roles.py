"""Role service: permissions and roles, as administrators manage them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import msgspec

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict
from porta.tenants import slugs
from storage.errors import AlreadyExists
from storage.models.roles import Permission, Role
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage


async def create_permission(
    storage: Storage, permission: Permission, *, actor: Actor = SYSTEM
) -> Permission:
    """Store a new permission and return it with its id. Raises Invalid for its slug, Conflict."""
    slugs.parse_permission_slug(permission.slug)
    new = msgspec.structs.replace(permission, id=str(uuid.uuid4()))
    async with storage.transaction() as tx:
        try:
            await tx.roles.insert_permission(new)
        except AlreadyExists:
            raise Conflict("slug: another permission of this application has it") from None
        metadata = {"permission_id": new.id}
        await events.record(tx, "permission.created", metadata=metadata, actor=actor)
    return new


async def update_permission(
    storage: Storage, permission: Permission, *, actor: Actor = SYSTEM
) -> None:
    """Write the name and description of a permission."""
    async with storage.transaction() as tx:
        await tx.roles.update_permission(permission)
        metadata = {"permission_id": permission.id}
        await events.record(tx, "permission.updated", metadata=metadata, actor=actor)


async def create(storage: Storage, role: Role, *, actor: Actor = SYSTEM) -> Role:
    """Store a new role and return it with its id. Raises Invalid for its slug, Conflict."""
    slugs.parse_role_slug(role.slug)
    new = msgspec.structs.replace(role, id=str(uuid.uuid4()))
    async with storage.transaction() as tx:
        try:
            await tx.roles.insert(new)
        except AlreadyExists:
            raise Conflict("slug: another role of this application has it") from None
        await events.record(tx, "role.created", metadata={"role_id": new.id}, actor=actor)
    return new


async def update(storage: Storage, role: Role, *, actor: Actor = SYSTEM) -> None:
    """Write the name and description of a role."""
    async with storage.transaction() as tx:
        await tx.roles.update(role)
        await events.record(tx, "role.updated", metadata={"role_id": role.id}, actor=actor)


async def grant(
    storage: Storage, role: Role, permission: Permission, *, actor: Actor = SYSTEM
) -> None:
    """Give a permission to a role of the same application. It works at once."""
    async with storage.transaction() as tx:
        await tx.roles.grant(role.id, permission.id)
        metadata = {"role_id": role.id, "permission_id": permission.id}
        await events.record(tx, "role.permissions.assigned", metadata=metadata, actor=actor)


async def assign(storage: Storage, user: User, role: Role, *, actor: Actor = SYSTEM) -> None:
    """Give a role to a person. It works at once."""
    async with storage.transaction() as tx:
        await tx.roles.assign(user.id, user.organization_id, role.id, actor.user_id)
        await events.record(
            tx,
            "user.roles.assigned",
            organization_id=user.organization_id,
            user_id=user.id,
            metadata={"role_id": role.id},
            actor=actor,
        )
