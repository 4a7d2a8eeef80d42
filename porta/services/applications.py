"""Application service: applications and their modules, as administrators manage them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import msgspec

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict, NotFound
from porta.services.lifecycle import APPLICATION, event_of
from porta.tenants import slugs
from storage.errors import AlreadyExists
from storage.models.applications import Application, ApplicationModule

if TYPE_CHECKING:
    from storage.router import Storage


async def create(
    storage: Storage, application: Application, *, actor: Actor = SYSTEM
) -> Application:
    """Store a new application, active, and return it with its id.

    Raises Invalid for its slug, Conflict when the slug is taken.
    """
    slugs.parse_application_slug(application.slug)
    new = msgspec.structs.replace(application, id=str(uuid.uuid4()), status="active")
    async with storage.transaction() as tx:
        try:
            await tx.applications.insert(new)
        except AlreadyExists:
            raise Conflict("slug: another application has it") from None
        await _record(tx, "app.created", new.id, actor)
    return new


async def update(storage: Storage, application: Application, *, actor: Actor = SYSTEM) -> None:
    """Write the name and description of an application."""
    async with storage.transaction() as tx:
        await tx.applications.update(application)
        await _record(tx, "app.updated", application.id, actor)


async def set_status(
    storage: Storage, slug: str, status: str, *, actor: Actor = SYSTEM
) -> Application:
    """Activate, deactivate, or archive for good. Raises NotFound, Invalid or Conflict."""
    async with storage.transaction() as tx:
        stored = await tx.applications.find_by_slug(slug)
        if stored is None:
            raise NotFound("Application not found")
        event_type = event_of(APPLICATION, stored.status, status)
        if not await tx.applications.set_status(stored.id, status, (stored.status,)):
            raise Conflict("status: it changed at the same time")
        await _record(tx, event_type, stored.id, actor)
    return msgspec.structs.replace(stored, status=status)


async def create_module(
    storage: Storage, module: ApplicationModule, *, actor: Actor = SYSTEM
) -> ApplicationModule:
    """Store a new module and return it with its id. Raises Invalid for its slug, Conflict."""
    slugs.parse_application_slug(module.slug)
    new = msgspec.structs.replace(module, id=str(uuid.uuid4()))
    async with storage.transaction() as tx:
        try:
            await tx.applications.insert_module(new)
        except AlreadyExists:
            raise Conflict("slug: another module of this application has it") from None
        await _record(tx, "app.module.created", new.application_id, actor, module_id=new.id)
    return new


async def update_module(
    storage: Storage, module: ApplicationModule, *, actor: Actor = SYSTEM
) -> None:
    """Write the name, description and status of a module."""
    async with storage.transaction() as tx:
        await tx.applications.update_module(module)
        await _record(tx, "app.module.updated", module.application_id, actor, module_id=module.id)


async def _record(
    tx: Storage, event_type: str, application_id: str, actor: Actor, **more: str
) -> None:
    metadata = {"application_id": application_id, **more}
    await events.record(tx, event_type, metadata=metadata, actor=actor)
