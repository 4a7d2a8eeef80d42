"""Steps: people, the roles they have, the values of their claims."""

from __future__ import annotations

from collections.abc import Iterable

from porta.audit.changes import differing
from porta.errors import NotFound
from porta.services import claims, user_claims, user_roles, users
from porta.services.provisioning.document import OrganizationEntry
from porta.services.provisioning.entries import command_of
from porta.services.provisioning.people import UserEntry
from porta.services.provisioning.problems import Path
from porta.services.provisioning.run import Run, first_places
from porta.services.user_claims import NewValue
from porta.services.user_fields import NewUser, UserPatch
from porta.services.user_roles import RoleIds
from porta.text.suggestions import did_you_mean
from storage.models.organizations import Organization
from storage.models.users import User


async def provision_users(run: Run, path: Path, entry: OrganizationEntry) -> None:
    """Make the people of an organization, or change them to what the file says of them."""
    organization = run.organizations.get(entry.slug)
    if organization is None:
        return
    for index, user in enumerate(entry.users):
        await run.tell()
        with run.at(*path, "users", index):
            await _provision_user(run, organization, user)


async def provision_belongings(run: Run, path: Path, entry: OrganizationEntry) -> None:
    """Give people the roles and claim values that the file lists."""
    organization = run.organizations.get(entry.slug)
    if organization is None:
        return
    for index, listed in enumerate(entry.users):
        await run.tell()
        user = await run.storage.users.find_by_email(organization.id, listed.email)
        if user is None or not (listed.roles or listed.claims):
            continue
        await _provision_roles(run, (*path, "users", index), user, listed)
        await _provision_claims(run, (*path, "users", index), user, listed)


async def _provision_user(run: Run, organization: Organization, entry: UserEntry) -> None:
    stored = await run.storage.users.find_by_email(organization.id, entry.email)
    name = " ".join(part for part in (entry.given_name, entry.family_name) if part)
    args = run.storage, run.actor
    if stored is None:
        command = command_of(entry, NewUser)
        hashed = run.hashes.of(command.password) if command.password is not None else None
        home, other = organization.id, entry.password_hash
        await users.create(*args, home, command, hashed, password_hash=other)
        run.created("user", entry.email, name)
    elif not run.overwrite:
        run.skipped("user", entry.email, name)
    else:
        before = await users.get(*args, stored.id)
        after = await users.update(*args, stored.id, command_of(entry, UserPatch))
        # A password is not overwritten: it is the person's by now. Nor is a lock opened.
        if "status" in entry.model_fields_set and (way := _WAYS.get((after.status, entry.status))):
            after = await way(*args, stored.id)
        changed = differing(before, after)
        run.updated("user", entry.email, name, changed, (before, after))


_WAYS = {
    ("active", "inactive"): users.deactivate,
    ("inactive", "active"): users.reactivate,
}


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
            await user_claims.set_value(
                run.storage, run.actor, listed.app, definition.id, user.id, command
            )
            values[definition.id] = listed.value
            if known:
                run.updated("claim_value", slug, "", ("value",))
            else:
                run.created("claim_value", slug)


def _missing(kind: str, slug: str, app: str, known: Iterable[str]) -> NotFound:
    return NotFound(f"there is no {kind} '{slug}' in '{app}'{did_you_mean(slug, sorted(known))}")
