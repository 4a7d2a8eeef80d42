"""Steps: applications, and what they define: modules, permissions, roles, claims."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import msgspec

from porta.audit.changes import differing
from porta.services import application_permissions, applications, claims, roles
from porta.services.application_permissions import NewPermission, PermissionPatch
from porta.services.applications import ApplicationPatch, ModulePatch, NewApplication, NewModule
from porta.services.claims import ClaimPatch, NewClaim
from porta.services.commands import Command
from porta.services.provisioning.document import (
    ApplicationEntry,
    ClaimDefinitionEntry,
    ModuleEntry,
    PermissionEntry,
    RoleEntry,
)
from porta.services.provisioning.entries import command_of
from porta.services.provisioning.problems import Path
from porta.services.provisioning.report import Kind
from porta.services.provisioning.run import Catalogue, Run, first_places
from porta.services.roles import NewRole, PermissionIds, RolePatch
from porta.text.suggestions import did_you_mean
from storage.models.roles import Role

R = TypeVar("R", bound=msgspec.Struct)
_NamedEntry = ApplicationEntry | ModuleEntry | PermissionEntry | RoleEntry | ClaimDefinitionEntry


async def provision_application(run: Run, path: Path, entry: ApplicationEntry) -> None:
    """Make the application of this slug, or change it to what the file says of it."""
    stored = await run.storage.applications.find_by_slug(entry.slug)
    known = {entry.slug: stored} if stored is not None else {}
    new, patch = command_of(entry, NewApplication), command_of(entry, ApplicationPatch)
    create = partial(applications.create, run.storage, run.actor, new)
    update = partial(applications.update, run.storage, run.actor, entry.slug, patch)
    with run.at(*path):
        await _settle(run, "application", entry, known, create, update)
        if stored is None:
            run.catalogues[entry.slug] = Catalogue(known[entry.slug])


async def provision_role(run: Run, catalogue: Catalogue, entry: RoleEntry) -> None:
    commands = command_of(entry, NewRole), command_of(entry, RolePatch)
    await _define(run, catalogue, "role", entry, catalogue.roles, commands, roles)


async def provision_permission(run: Run, catalogue: Catalogue, entry: PermissionEntry) -> None:
    args = run.storage, run.actor, catalogue.application.slug
    create = partial(application_permissions.create, *args, command_of(entry, NewPermission))
    patch = command_of(entry, PermissionPatch)
    update = partial(application_permissions.update, *args, entry.slug, patch)
    await _settle(run, "permission", entry, catalogue.permissions, create, update)


async def provision_module(run: Run, catalogue: Catalogue, entry: ModuleEntry) -> None:
    args = run.storage, run.actor, catalogue.application.slug
    known = catalogue.modules.get(entry.slug)
    create = partial(applications.create_module, *args, command_of(entry, NewModule))
    patch, id = command_of(entry, ModulePatch), known.id if known else ""
    update = partial(applications.update_module, *args, id, patch)
    await _settle(run, "module", entry, catalogue.modules, create, update)


async def provision_claim_definition(
    run: Run, catalogue: Catalogue, entry: ClaimDefinitionEntry
) -> None:
    more: dict[str, Any] = {"title": entry.name}
    patch = command_of(entry, ClaimPatch, **more)
    more |= {"claim_name": entry.slug, "description": entry.description or entry.name}
    commands = command_of(entry, NewClaim, **more), patch
    await _define(run, catalogue, "claim_definition", entry, catalogue.claims, commands, claims)


async def provision_role_permissions(
    run: Run, path: Path, catalogue: Catalogue, entry: RoleEntry
) -> None:
    """Give the role what the file lists; what it has beside that it keeps."""
    role = catalogue.roles.get(entry.slug)
    if role is None or not entry.permissions:
        return
    with run.at(*path, "permissions"):
        await _grant(run, path, catalogue, entry, role)


async def _grant(run: Run, path: Path, catalogue: Catalogue, entry: RoleEntry, role: Role) -> None:
    granted = {each.id for each in await run.storage.roles.granted(role.id)}
    missing: list[str] = []
    for slug, index in first_places(entry.permissions).items():
        permission = catalogue.permissions.get(slug)
        if permission is None:
            meant = did_you_mean(slug, sorted(catalogue.permissions))
            run.error((*path, "permissions", index), f"there is no permission '{slug}'{meant}")
        elif permission.id in granted:
            run.skipped("role_permission", f"{role.slug} {slug}")
        else:
            missing.append(permission.id)
            run.created("role_permission", f"{role.slug} {slug}")
    application = catalogue.application.slug
    for start in range(0, len(missing), _AT_ONCE):
        command = PermissionIds.parse({"permission_ids": missing[start : start + _AT_ONCE]})
        await roles.grant(run.storage, run.actor, application, role.id, command)


_AT_ONCE = 100
"""As many as one command takes."""


async def _define(
    run: Run,
    catalogue: Catalogue,
    kind: Kind,
    entry: _NamedEntry,
    known: dict[str, R],
    commands: tuple[Command, Command],
    family: Any,
) -> None:
    args = run.storage, run.actor, catalogue.application.slug
    new, patch = commands
    create = partial(family.create, *args, new)
    await _settle(run, kind, entry, known, create, partial(family.update, *args, entry.slug, patch))


async def _settle(
    run: Run,
    kind: Kind,
    entry: _NamedEntry,
    known: dict[str, R],
    create: Callable[[], Awaitable[R]],
    update: Callable[[], Awaitable[R]],
) -> None:
    """Create what is not `known` by its slug yet; leave or change what is, as the run was told."""
    stored = known.get(entry.slug)
    if stored is None:
        known[entry.slug] = await create()
        run.created(kind, entry.slug, entry.name)
    elif not run.overwrite:
        run.skipped(kind, entry.slug, entry.name)
    else:
        known[entry.slug] = after = await update()
        run.updated(kind, entry.slug, entry.name, differing(stored, after), (stored, after))
