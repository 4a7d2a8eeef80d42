"""Steps: applications, and what they define: modules, permissions, roles, claims."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from porta.services import applications, claims, roles
from porta.services.provisioning.document import (
    ApplicationEntry,
    ClaimDefinitionEntry,
    ModuleEntry,
    PermissionEntry,
    RoleEntry,
)
from porta.services.provisioning.entries import Entry
from porta.services.provisioning.problems import Path
from porta.services.provisioning.report import Kind
from porta.services.provisioning.run import Catalogue, Run, first_places
from porta.text.suggestions import did_you_mean
from storage.models.applications import Application, ApplicationModule
from storage.models.claims import ClaimDefinition
from storage.models.roles import Permission, Role

R = TypeVar("R", bound=msgspec.Struct)
_NamedEntry = ApplicationEntry | ModuleEntry | PermissionEntry | RoleEntry
_NAMED = ("name", "description")


async def provision_application(run: Run, path: Path, entry: ApplicationEntry) -> None:
    """Make the application of this slug, or change it to what the file says of it."""
    stored = await run.storage.applications.find_by_slug(entry.slug)
    known = {entry.slug: stored} if stored is not None else {}
    new = Application(id="", name=entry.name, slug=entry.slug, description=entry.description)
    with run.at(*path):
        await _settle(
            run, "application", entry, known, new, applications.create, applications.update
        )
        if stored is None:
            run.catalogues[entry.slug] = Catalogue(known[entry.slug])


async def provision_role(run: Run, catalogue: Catalogue, entry: RoleEntry) -> None:
    new = Role(id="", application_id=catalogue.application.id, **_said(entry))
    await _settle(run, "role", entry, catalogue.roles, new, roles.create, roles.update)


async def provision_permission(run: Run, catalogue: Catalogue, entry: PermissionEntry) -> None:
    new = Permission(id="", application_id=catalogue.application.id, **_said(entry))
    create, update = roles.create_permission, roles.update_permission
    await _settle(run, "permission", entry, catalogue.permissions, new, create, update)


async def provision_module(run: Run, catalogue: Catalogue, entry: ModuleEntry) -> None:
    application_id = catalogue.application.id
    new = ApplicationModule(
        id="", application_id=application_id, status=entry.status, **_said(entry)
    )
    create, update = applications.create_module, applications.update_module
    fields = (*_NAMED, "status")
    await _settle(run, "module", entry, catalogue.modules, new, create, update, fields)


async def provision_claim_definition(
    run: Run, catalogue: Catalogue, entry: ClaimDefinitionEntry
) -> None:
    stored = catalogue.claims.get(entry.slug)
    wanted = _definition(entry, stored)
    if stored is None:
        catalogue.claims[entry.slug] = await claims.define(
            run.storage,
            catalogue.application.id,
            wanted,
            description=entry.description or entry.name,
            actor=run.actor,
        )
        run.created("claim_definition", entry.slug, entry.name)
    elif not run.overwrite:
        run.skipped("claim_definition", entry.slug, entry.name)
    else:
        changed = await _overwrite_claim(run, catalogue, entry, stored, wanted)
        run.updated("claim_definition", entry.slug, entry.name, changed)


def _definition(entry: ClaimDefinitionEntry, stored: ClaimDefinition | None) -> ClaimDefinition:
    """Return the claim as the file has it; where that is silent, as it is stored."""
    fields = ("claim_type", "include_in_id_token", "include_in_access_token", "include_in_userinfo")
    said = fields if stored is None else entry.model_fields_set & set(fields)
    kept = stored or ClaimDefinition(id="", claim_name=entry.slug, claim_type=entry.claim_type)
    said_of = {name: getattr(entry, name) for name in said}
    return msgspec.structs.replace(kept, title=entry.name, **said_of)


async def _overwrite_claim(
    run: Run,
    catalogue: Catalogue,
    entry: ClaimDefinitionEntry,
    stored: ClaimDefinition,
    wanted: ClaimDefinition,
) -> tuple[str, ...]:
    fields = ClaimDefinition.__struct_fields__
    changed = tuple(name for name in fields if getattr(stored, name) != getattr(wanted, name))
    description = await run.storage.claims.description(stored.id)
    if entry.description not in (None, description):
        description, changed = entry.description, (*changed, "description")
    if changed:
        await claims.update(run.storage, wanted, description=description, actor=run.actor)
        catalogue.claims[entry.slug] = wanted
    return changed


async def provision_role_permissions(
    run: Run, path: Path, catalogue: Catalogue, entry: RoleEntry
) -> None:
    """Give the role what the file lists; what it has beside that it keeps."""
    role = catalogue.roles.get(entry.slug)
    if role is None or not entry.permissions:
        return
    granted = await run.storage.roles.granted(role.id)
    for slug, index in first_places(entry.permissions).items():
        permission = catalogue.permissions.get(slug)
        if permission is None:
            meant = did_you_mean(slug, sorted(catalogue.permissions))
            run.error((*path, "permissions", index), f"there is no permission '{slug}'{meant}")
        elif permission.id in granted:
            run.skipped("role_permission", f"{role.slug} {slug}")
        else:
            await roles.grant(run.storage, role, permission, actor=run.actor)
            run.created("role_permission", f"{role.slug} {slug}")


async def _settle(
    run: Run,
    kind: Kind,
    entry: _NamedEntry,
    known: dict[str, R],
    new: R,
    create: Callable[..., Awaitable[R]],
    update: Callable[..., Awaitable[None]],
    fields: tuple[str, ...] = _NAMED,
) -> None:
    """Create what is not `known` by its slug yet; leave or change what is, as the run was told."""
    stored = known.get(entry.slug)
    if stored is None:
        known[entry.slug] = await create(run.storage, new, actor=run.actor)
        run.created(kind, entry.slug, entry.name)
    elif not run.overwrite:
        run.skipped(kind, entry.slug, entry.name)
    else:
        wanted, changed = _named(stored, entry, fields)
        if changed:
            await update(run.storage, wanted, actor=run.actor)
        run.updated(kind, entry.slug, entry.name, changed, (stored, wanted))


def _said(entry: ModuleEntry | PermissionEntry | RoleEntry) -> dict[str, Any]:
    return {"name": entry.name, "slug": entry.slug, "description": entry.description}


def _named(stored: R, entry: Entry, fields: tuple[str, ...] = _NAMED) -> tuple[R, tuple[str, ...]]:
    """Return `stored` with what the file says of `fields`, and which of them that changes."""
    said = {name: getattr(entry, name) for name in fields if name in entry.model_fields_set}
    changed = tuple(name for name, value in said.items() if getattr(stored, name) != value)
    return msgspec.structs.replace(stored, **said), changed
