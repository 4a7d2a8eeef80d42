"""Application service: applications and their modules, as administrators manage them."""

from __future__ import annotations

import builtins
import uuid
from typing import TYPE_CHECKING, Literal

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Conflict, Invalid
from porta.services.commands import ABSENT, NO_REASON, Command, Patch, Reasoned, Slugged
from porta.services.definitions import WHAT, find_application, hold_application
from porta.services.fields import ApplicationSlug, LongDescription, Name, SearchTerm
from porta.services.lifecycle import APPLICATION, event_of
from porta.services.permissions import ADMINISTRATION, check_all, needs
from porta.services.targets import changes_of, check_page, require, require_id
from storage.models.applications import Application, ApplicationModule
from storage.models.pages import Listed, Page
from storage.repositories.applications import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

WHAT_MODULE = "Module"


class ApplicationPatch(Patch):
    """What of an application may change."""

    name: Name = ABSENT
    description: LongDescription | None = ABSENT


class NewApplication(ApplicationPatch, Slugged):
    """An application to be made."""

    name: Name
    slug: ApplicationSlug = ABSENT


class ApplicationFilters(Command):
    """Which applications are listed."""

    status: Literal["active", "inactive", "archived"] | None = None
    search: SearchTerm | None = None
    """A part of the name or slug, in any letter case."""


class ModulePatch(Patch):
    """What of a module may change."""

    name: Name = ABSENT
    description: LongDescription | None = ABSENT
    status: Literal["active", "inactive"] = ABSENT


class NewModule(ModulePatch, Slugged):
    """A module to be made."""

    name: Name
    slug: ApplicationSlug = ABSENT


@needs("admin:app:create", unbound=True)
async def create(tx: Storage, actor: Actor, command: NewApplication) -> Application:
    """Make an application, active. Raises Conflict when the slug is taken."""
    new = Application(id=str(uuid.uuid4()), **command.said())
    made = await tx.applications.insert(new)
    if made is None:
        raise Conflict.at("slug", message="another application has it")
    await _record(tx, actor, "app.created", None, made)
    return made


@needs("admin:app:read")
async def get(storage: Storage, actor: Actor, target: str) -> Application:
    """Return the application of this id or slug. Raises NotFound."""
    return await find_application(storage, target)


@needs("admin:app:read")
async def list(
    storage: Storage, actor: Actor, page: Page, filters: ApplicationFilters
) -> Listed[Application]:
    """Return a page of applications. Raises Invalid."""
    check_page(page, SORTS)
    return await storage.applications.list_page(page, status=filters.status, search=filters.search)


@needs("admin:app:update", unbound=True)
async def update(
    tx: Storage, actor: Actor, target: str, patch: ApplicationPatch, version: int | None = None
) -> Application:
    """Change what `patch` says. Raises NotFound, PreconditionFailed, and Forbidden for the
    application of the administration, which is for super-administrators.
    """
    stored = await hold_application(tx, target, version)
    if stored.slug == ADMINISTRATION:
        check_all(actor, "the application of the administration")
    changes = changes_of(stored, patch.said())
    if not changes:
        return stored
    after = require(await tx.applications.update(stored.id, changes), WHAT)
    await _record(tx, actor, "app.updated", stored, after)
    return after


@needs("admin:app:update", unbound=True)
async def deactivate(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
) -> Application:
    """Deactivate an application: its clients are refused, at once, and what they hold is ended.

    Raises NotFound, PreconditionFailed, and Invalid where it is not active, or is that of the
    administration.
    """
    return await _set_status(tx, actor, target, "inactive", command, version)


@needs("admin:app:update", unbound=True)
async def activate(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
) -> Application:
    """Make an inactive application active. Raises as `deactivate` does."""
    return await _set_status(tx, actor, target, "active", command, version)


@needs("admin:app:archive", unbound=True)
async def archive(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
) -> Application:
    """Archive an application for good. Raises as `deactivate` does."""
    return await _set_status(tx, actor, target, "archived", command, version)


@needs("admin:app:update", unbound=True)
async def create_module(
    tx: Storage, actor: Actor, application: str, command: NewModule
) -> ApplicationModule:
    """Make a module of an application. Raises NotFound, Conflict when it has the slug already."""
    owner = await hold_application(tx, application)
    new = ApplicationModule(id=str(uuid.uuid4()), application_id=owner.id, **command.said())
    made = await tx.applications.insert_module(new)
    if made is None:
        raise Conflict.at("slug", message="another module of this application has it")
    await _record_module(tx, actor, "app.module.created", None, made)
    return made


@needs("admin:app:read")
async def list_modules(
    storage: Storage, actor: Actor, application: str
) -> builtins.tuple[ApplicationModule, ...]:
    """Return the modules of an application, by slug. Raises NotFound."""
    owner = await find_application(storage, application)
    return await storage.applications.modules(owner.id)


@needs("admin:app:read")
async def get_module(
    storage: Storage, actor: Actor, application: str, target: str
) -> ApplicationModule:
    """Return a module of this application. Raises NotFound."""
    owner, id = await find_application(storage, application), require_id(target, WHAT_MODULE)
    return require(await storage.applications.find_module(owner.id, id), WHAT_MODULE)


@needs("admin:app:update", unbound=True)
async def update_module(
    tx: Storage,
    actor: Actor,
    application: str,
    target: str,
    patch: ModulePatch,
    version: int | None = None,
) -> ApplicationModule:
    """Change what `patch` says of a module. Raises NotFound, PreconditionFailed."""
    owner, id = await hold_application(tx, application), require_id(target, WHAT_MODULE)
    found = await tx.applications.find_module(owner.id, id, hold=True)
    stored = require(found, WHAT_MODULE, version)
    changes = changes_of(stored, patch.said())
    if not changes:
        return stored
    after = require(await tx.applications.update_module(stored.id, changes), WHAT_MODULE)
    off = changes.get("status") == "inactive"
    event_type = "app.module.deactivated" if off else "app.module.updated"
    await _record_module(tx, actor, event_type, stored, after)
    return after


async def _set_status(
    tx: Storage,
    actor: Actor,
    target: str,
    status: str,
    command: Reasoned,
    version: int | None,
) -> Application:
    stored = await hold_application(tx, target, version)
    if stored.slug == ADMINISTRATION:
        raise Invalid.at("status", message="the application of the administration stays active")
    event_type = event_of(APPLICATION, stored.status, status)
    after = require(await tx.applications.update(stored.id, {"status": status}), WHAT)
    await _record(tx, actor, event_type, stored, after, **command.told())
    return after


async def _record(
    tx: Storage,
    actor: Actor,
    event_type: str,
    before: Application | None,
    after: Application,
    **more: str,
) -> None:
    await record_change(tx, actor, event_type, before, after, application_id=after.id, **more)


async def _record_module(
    tx: Storage,
    actor: Actor,
    event_type: str,
    before: ApplicationModule | None,
    after: ApplicationModule,
) -> None:
    owner = after.application_id
    await record_change(
        tx, actor, event_type, before, after, application_id=owner, module_id=after.id
    )
