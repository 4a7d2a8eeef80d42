"""Application service: applications and their modules, as administrators manage them."""

from __future__ import annotations

import builtins
import uuid
from functools import partial
from typing import TYPE_CHECKING, Literal

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Conflict, Invalid
from porta.services.commands import ABSENT, Command, Patch, Slugged
from porta.services.definitions import WHAT, find_application, hold_application
from porta.services.fields import ApplicationSlug, LongDescription, Name, SearchTerm
from porta.services.lifecycle import Lifecycle
from porta.services.permissions import ADMINISTRATION, check_all, needs
from porta.services.targets import changes_of, check_page, require, require_id, write_changes
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
    return await write_changes(
        stored, changes_of(stored, patch.said()), WHAT, partial(tx.applications.update, stored.id),
        partial(_record, tx, actor, "app.updated"),
    )  # fmt: skip


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
    off = changes.get("status") == "inactive"
    event_type = "app.module.deactivated" if off else "app.module.updated"
    return await write_changes(
        stored, changes, WHAT_MODULE, partial(tx.applications.update_module, stored.id),
        partial(_record_module, tx, actor, event_type),
    )  # fmt: skip


async def _held(tx: Storage, actor: Actor, target: str, version: int | None) -> Application:
    del actor  # whoever may, may of all: applications belong to no organization
    return await hold_application(tx, target, version)


async def _check_may_leave(tx: Storage, stored: Application, status: str) -> None:
    del tx, status
    if stored.slug == ADMINISTRATION:
        raise Invalid.at("status", message="the application of the administration stays active")


async def _write_status(
    tx: Storage, stored: Application, status: str, reason: str | None
) -> Application:
    del reason
    return require(await tx.applications.update(stored.id, {"status": status}), WHAT)


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


_LIFECYCLE = Lifecycle(__name__, _held, _write_status, _record, _check_may_leave)

deactivate = needs("admin:app:update", unbound=True)(
    _LIFECYCLE.change("deactivate", "active", to="inactive", event="app.deactivated")
)
"""Deactivate an application: its clients are refused, at once, and what they hold is ended. Never
that of the administration."""
activate = needs("admin:app:update", unbound=True)(
    _LIFECYCLE.change("activate", "inactive", to="active", event="app.activated")
)
"""Make an inactive application active."""
archive = needs("admin:app:archive", unbound=True)(
    _LIFECYCLE.change("archive", "active", "inactive", to="archived", event="app.archived")
)
"""Archive an application for good."""
