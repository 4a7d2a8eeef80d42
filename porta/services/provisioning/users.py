"""Steps: people, the roles they have, the values of their claims."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from porta.errors import NotFound
from porta.services import claims, user_roles, users
from porta.services.claims import NewValue
from porta.services.provisioning.document import OrganizationEntry
from porta.services.provisioning.people import UserEntry
from porta.services.provisioning.problems import Path
from porta.services.provisioning.run import Run, first_places
from porta.services.user_roles import RoleIds
from porta.text.suggestions import did_you_mean
from storage.models.organizations import Organization
from storage.models.users import User

_ADDRESS = ("street", "locality", "region", "postal_code", "country")
_NOT_PROFILE = frozenset({"email", "password", "status", "address", "roles", "claims", "birthdate"})


async def provision_users(run: Run, path: Path, entry: OrganizationEntry) -> None:
    """Make the people of an organization, or change them to what the file says of them."""
    organization = run.organizations.get(entry.slug)
    if organization is None:
        return
    for index, user in enumerate(entry.users):
        with run.at(*path, "users", index):
            await _provision_user(run, organization, user)


async def provision_belongings(run: Run, path: Path, entry: OrganizationEntry) -> None:
    """Give people the roles and claim values that the file lists."""
    organization = run.organizations.get(entry.slug)
    if organization is None:
        return
    for index, listed in enumerate(entry.users):
        user = await run.storage.users.find_by_email(organization.id, listed.email)
        if user is None or not (listed.roles or listed.claims):
            continue
        await _provision_roles(run, (*path, "users", index), user, listed)
        await _provision_claims(run, (*path, "users", index), user, listed)


async def _provision_user(run: Run, organization: Organization, entry: UserEntry) -> None:
    stored = await run.storage.users.find_by_email(organization.id, entry.email)
    name = " ".join(part for part in (entry.given_name, entry.family_name) if part)
    said = _said(entry)
    if stored is None:
        new = User(
            id="",
            organization_id=organization.id,
            email=entry.email,
            status=entry.status,
            **said,
        )
        await users.create(
            run.storage, new, password=entry.password, passwords=run.passwords, actor=run.actor
        )
        run.created("user", entry.email, name)
    elif not run.overwrite:
        run.skipped("user", entry.email, name)
    else:
        wanted = msgspec.structs.replace(stored, **said)
        changed = await _overwrite(run, stored, wanted, entry)
        run.updated("user", entry.email, name, changed, (stored, wanted))


async def _overwrite(run: Run, stored: User, wanted: User, entry: UserEntry) -> tuple[str, ...]:
    """A password is not overwritten: it is the person's by now. Nor is a lock opened."""
    changed = await users.update(run.storage, wanted, actor=run.actor)
    switchable = stored.status in ("active", "inactive") and "status" in entry.model_fields_set
    if not switchable or stored.status == entry.status:
        return changed
    await users.set_status(
        run.storage, stored.id, stored.organization_id, entry.status, actor=run.actor
    )
    return (*changed, "status")


async def _provision_roles(run: Run, path: Path, user: User, entry: UserEntry) -> None:
    held = {each.id for each in await run.storage.user_roles.of_user(user.id, user.organization_id)}
    for reference, index in first_places(entry.roles).items():
        slug = f"{user.email} {reference.app} {reference.role}"
        with run.at(*path, "roles", index):
            known = (await run.catalogue(reference.app)).roles
            role = known.get(reference.role)
            if role is None:
                raise _missing("role", reference.role, reference.app, known)
            if role.id in held:
                run.skipped("user_role", slug)
                continue
            command = RoleIds.parse({"role_ids": [role.id]})
            await user_roles.assign(run.storage, run.actor, user.id, command)
            run.created("user_role", slug)


async def _provision_claims(run: Run, path: Path, user: User, entry: UserEntry) -> None:
    values = await run.storage.claims.values(user.id, user.organization_id)
    for index, listed in enumerate(entry.claims):
        slug = f"{user.email} {listed.app} {listed.claim}"
        with run.at(*path, "claims", index):
            defined = (await run.catalogue(listed.app)).claims
            definition = defined.get(listed.claim)
            if definition is None:
                raise _missing("claim", listed.claim, listed.app, defined)
            command = NewValue.parse({"value": listed.value})
            claims.check_claim_value(definition.claim_type, listed.value)
            known = definition.id in values
            if known and (not run.overwrite or values[definition.id] == listed.value):
                run.skipped("claim_value", slug)
                continue
            await claims.set_value(
                run.storage, run.actor, listed.app, definition.id, user.id, command
            )
            values[definition.id] = listed.value
            if known:
                run.updated("claim_value", slug, "", ("value",))
            else:
                run.created("claim_value", slug)


def _missing(kind: str, slug: str, app: str, known: Iterable[str]) -> NotFound:
    return NotFound(f"there is no {kind} '{slug}' in '{app}'{did_you_mean(slug, sorted(known))}")


def _said(entry: UserEntry) -> dict[str, Any]:
    """Return the columns of a profile that the file speaks of."""
    said = {name: getattr(entry, name) for name in entry.model_fields_set - _NOT_PROFILE}
    if "birthdate" in entry.model_fields_set:
        said["birthdate"] = entry.birthdate.isoformat() if entry.birthdate else None
    if "address" in entry.model_fields_set:
        said |= {f"address_{name}": getattr(entry.address, name) for name in _ADDRESS}
    return said
