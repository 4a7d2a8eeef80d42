"""User service: people, as administrators manage them."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from pydantic import Field

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Conflict, Forbidden, Invalid, NotFound
from porta.security.password_rules import check_password
from porta.security.passwords import Passwords, is_dear_cost
from porta.services import people
from porta.services.commands import ABSENT, NO_REASON, Command, Patch, Reasoned
from porta.services.fields import (
    Country,
    Day,
    Email,
    Flag,
    Locale,
    Name,
    Reason,
    SearchTerm,
    Short,
    WebUrl,
    judged,
)
from porta.services.lifecycle import USER, event_of
from porta.services.people import WHAT, find_user, hold_user
from porta.services.permissions import needs
from porta.services.targets import changes_of, check_page, is_key, require
from porta.text.names import find_text_problem
from storage.errors import StorageError
from storage.models.organizations import Organization
from storage.models.pages import Listed, Page
from storage.models.users import User, UserProfile
from storage.repositories.users import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

_LOG = logging.getLogger(__name__)
Street = Annotated[str, Field(min_length=1, max_length=1000), judged(find_text_problem)]
PostalCode = Annotated[str, Field(min_length=1, max_length=20), judged(find_text_problem)]
_NAMES = ("preferred_username", "nickname", "given_name", "middle_name", "family_name")


class AddressPatch(Patch):
    """Where a person lives (OpenID Connect Core §5.1.1)."""

    street: Street | None = ABSENT
    locality: Name | None = ABSENT
    region: Name | None = ABSENT
    postal_code: PostalCode | None = ABSENT
    country: Country | None = ABSENT


class UserPatch(Patch):
    """What of a person may change; password and status have ways of their own."""

    email: Email = ABSENT
    """Another address is not verified, unless that is said too."""
    email_verified: Flag = ABSENT
    given_name: Name | None = ABSENT
    family_name: Name | None = ABSENT
    middle_name: Name | None = ABSENT
    nickname: Name | None = ABSENT
    preferred_username: Name | None = ABSENT
    profile_url: WebUrl | None = ABSENT
    picture_url: WebUrl | None = ABSENT
    website_url: WebUrl | None = ABSENT
    gender: Short | None = ABSENT
    birthdate: Day | None = ABSENT
    zoneinfo: Short | None = ABSENT
    locale: Locale | None = ABSENT
    phone_number: Short | None = ABSENT
    phone_number_verified: Flag = ABSENT
    address: AddressPatch | None = ABSENT


class NewUser(UserPatch):
    """A person to be added. Without a password they have none."""

    email: Email
    password: str | None = Field(None, repr=False)
    status: Literal["active", "inactive"] = ABSENT


class NewPassword(Command):
    """Another password, chosen by an administrator."""

    password: str = Field(repr=False)


class Locking(Command):
    """Why a person is locked, which is needed."""

    reason: Reason


class UserFilters(Command):
    """Which people are listed."""

    status: Literal["active", "inactive", "suspended", "locked"] | None = None
    search: SearchTerm | None = None
    """A part of the address or the name, in any letter case."""


async def expect_stored_costs(storage: Storage, passwords: Passwords) -> None:
    """Tell the hasher what the stored hashes of each organization cost, so that no failure tells
    them apart, and the log how many are beyond our bounds: these people need a new password.

    Where this cannot be asked, the hasher keeps what it knows, and learns one by one as they are
    met.
    """
    try:
        found = await storage.users.password_costs(passwords.cost)
    except StorageError:
        _LOG.warning("passwords.costs_unknown")
        return
    passwords.expect((organization_id, cost) for organization_id, cost, _ in found)
    if people := sum(people for _, cost, people in found if is_dear_cost(cost)):
        _LOG.warning("passwords.need_reset", extra={"people": people})


@needs("admin:user:create")
async def create(
    tx: Storage, actor: Actor, organization: str, command: NewUser, passwords: Passwords
) -> UserProfile:
    """Add a person to the organization of this id or slug.

    Raises NotFound, Invalid for a password that may not be chosen or an organization that is
    archived, Conflict when it has somebody with the address.
    """
    home = await _home(tx, actor, organization)
    if home.status == "archived":
        raise Invalid("an archived organization takes no more people")
    new = User(id=str(uuid.uuid4()), organization_id=home.id, email=command.email)
    columns = _columns(new, command)
    if command.password is not None:
        check_new_password(command.password, home.two_factor_policy, names_of(home, command))
        columns["password_hash"] = await passwords.hash(command.password)
    made = await tx.users.insert(msgspec.structs.replace(new, **columns))
    if made is None:
        raise _taken()
    await _record(tx, actor, "user.created", None, made)
    return made


@needs("admin:user:read")
async def get(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> UserProfile:
    """Return the person of this id, of the organization `within` where that is named. NotFound."""
    return await find_user(storage, actor, target, within)


@needs("admin:user:read")
async def list(
    storage: Storage, actor: Actor, organization: str, page: Page, filters: UserFilters
) -> Listed[UserProfile]:
    """Return a page of the people of an organization. Raises NotFound, Invalid."""
    check_page(page, SORTS)
    home = await _home(storage, actor, organization)
    return await storage.users.list_page(
        home.id, page, status=filters.status, search=filters.search
    )


@needs("admin:user:update")
async def update(
    tx: Storage,
    actor: Actor,
    target: str,
    patch: UserPatch,
    version: int | None = None,
    *,
    within: str | None = None,
) -> UserProfile:
    """Change what `patch` says of a person, and return them as they are then.

    Raises NotFound, PreconditionFailed, Forbidden for who may what the actor may not, Conflict when
    somebody else of the organization has the address.
    """
    stored = await hold_user(tx, actor, target, within, version)
    changes = changes_of(stored, _columns(stored, patch))
    if "email" in changes:
        if "email_verified" not in patch.model_fields_set and stored.email_verified:
            changes["email_verified"] = False
        other = await tx.users.find_by_email(stored.organization_id, patch.email)
        if other is not None and other.id != stored.id:
            raise _taken()
    if not changes:
        return stored
    after = require(await tx.users.update(stored.id, stored.organization_id, changes), WHAT)
    await _record(tx, actor, "user.updated", stored, after)
    return after


@needs("admin:user:update")
async def verify_email(
    tx: Storage, actor: Actor, target: str, *, within: str | None = None
) -> UserProfile:
    """Take the address of a person for theirs. Raises NotFound, Forbidden."""
    stored = await hold_user(tx, actor, target, within)
    if stored.email_verified:
        return stored
    changes = {"email_verified": True}
    after = require(await tx.users.update(stored.id, stored.organization_id, changes), WHAT)
    await _record(tx, actor, "user.email.verified", stored, after)
    return after


@needs("admin:user:update")
async def set_password(
    tx: Storage,
    actor: Actor,
    target: str,
    command: NewPassword,
    passwords: Passwords,
    *,
    within: str | None = None,
) -> UserProfile:
    """Give a person another password. Whoever else had got in is out (ASVS 7.4.3).

    Raises NotFound, Forbidden, and Invalid for a password that may not be chosen.
    """
    seen = await find_user(tx, actor, target, within)
    home = require(await tx.organizations.find_by_id(seen.organization_id), WHAT)
    check_new_password(command.password, home.two_factor_policy, names_of(home, seen))
    password_hash = await passwords.hash(command.password)  # before anything is held
    stored = await hold_user(tx, actor, target, within)
    after = await tx.users.set_password(stored.id, stored.organization_id, password_hash)
    await end_rights(tx, stored.id, stored.organization_id, "user.password.set")
    await _record(tx, actor, "user.password.set", stored, require(after, WHAT))
    return require(after, WHAT)


@needs("admin:user:update")
async def clear_password(
    tx: Storage, actor: Actor, target: str, *, within: str | None = None
) -> UserProfile:
    """Take the password from a person, who signs in by other ways from then on.

    Raises NotFound, Forbidden, also for the super-admin user, who could not sign in.
    """
    stored = await hold_user(tx, actor, target, within)
    await _check_not_super_admin(tx, stored, "stays able to sign in")
    after = await tx.users.set_password(stored.id, stored.organization_id, None)
    await end_rights(tx, stored.id, stored.organization_id, "user.password.cleared")
    await _record(tx, actor, "user.password.cleared", stored, require(after, WHAT))
    return require(after, WHAT)


@needs("admin:user:suspend")
async def deactivate(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
    *,
    within: str | None = None,
) -> UserProfile:
    """Deactivate an active person. It works at once, and for good: who is active again signs in
    anew.

    Raises NotFound, PreconditionFailed, Invalid for a status that does not follow, and Forbidden
    for the super-admin user, and for who may what the actor may not.
    """
    return await _set_status(tx, actor, target, ("active", "inactive"), command, version, within)


@needs("admin:user:suspend")
async def reactivate(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
    *,
    within: str | None = None,
) -> UserProfile:
    """Make an inactive person active. Raises as `deactivate` does."""
    return await _set_status(tx, actor, target, ("inactive", "active"), command, version, within)


@needs("admin:user:suspend")
async def suspend(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
    *,
    within: str | None = None,
) -> UserProfile:
    """Suspend an active person. Raises, and works, as `deactivate` does."""
    return await _set_status(tx, actor, target, ("active", "suspended"), command, version, within)


@needs("admin:user:suspend")
async def unsuspend(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
    *,
    within: str | None = None,
) -> UserProfile:
    """End a suspension. Raises as `deactivate` does."""
    return await _set_status(tx, actor, target, ("suspended", "active"), command, version, within)


@needs("admin:user:suspend")
async def lock(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Locking,
    version: int | None = None,
    *,
    within: str | None = None,
) -> UserProfile:
    """Lock an active person. Raises, and works, as `deactivate` does."""
    because = Reasoned(reason=command.reason)
    return await _set_status(tx, actor, target, ("active", "locked"), because, version, within)


@needs("admin:user:suspend")
async def unlock(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
    *,
    within: str | None = None,
) -> UserProfile:
    """Unlock a person; failures are counted anew. An automatic lock has ended nothing, nor does
    its end. Raises as `deactivate` does.
    """
    return await _set_status(tx, actor, target, ("locked", "active"), command, version, within)


async def end_rights(tx: Storage, user_id: str, organization_id: str, reason: str) -> None:
    """End every session of a person with all that was issued in it, tokens included, for good.

    For a status that changes and a password that is set, in the transaction `tx` of that change:
    whoever else had got in is out (ASVS 7.4.2, 7.4.3). `reason` is a word for the record.
    """
    await tx.end_account(user_id, organization_id, reason)


def check_new_password(password: str, two_factor_policy: str, names: Iterable[str]) -> None:
    """Raise Invalid, at `password`, for one that may not be chosen: beside a second factor it may
    be shorter. `names` are those that an attacker would try first.
    """
    alone = two_factor_policy == "optional"
    try:
        check_password(password, names, minimum=15 if alone else 8)
    except Invalid as refusal:
        raise Invalid.at("password", message=refusal.message) from None


def names_of(organization: Any, person: User | NewUser) -> tuple[str, ...]:
    """Return the names that somebody who guesses a password would try first."""
    company = getattr(organization, "branding_company_name", None)
    said = (organization.name, company, person.email, *(getattr(person, n) for n in _NAMES))
    return tuple(word for word in said if word)


async def _set_status(
    tx: Storage,
    actor: Actor,
    target: str,
    way: tuple[str, str],
    command: Reasoned,
    version: int | None,
    within: str | None,
) -> UserProfile:
    stored = await hold_user(tx, actor, target, within, version)
    since, status = way
    event_type = event_of(USER, stored.status, status)
    if stored.status != since:
        raise Invalid.at("status", message=f"it is {stored.status}, not {since}")
    if status != "active":
        await _check_not_super_admin(tx, stored, "stays active")
    key = stored.id, stored.organization_id
    if not await tx.users.set_status(*key, status, expected=since, reason=command.reason):
        raise Conflict.at("status", message="it changed at the same time")
    if not stored.is_usable or status != "active":
        await end_rights(tx, *key, event_type)
    after = require(await tx.users.find(stored.id), WHAT)
    await _record(tx, actor, event_type, stored, after, **command.told())
    return after


async def _check_not_super_admin(tx: Storage, user: User, what: str) -> None:
    if await people.is_super_admin(tx, user.id):
        raise Forbidden(f"the super-admin user {what}")


async def _home(storage: Storage, actor: Actor, organization: str) -> Organization:
    found = await storage.organizations.find_by_key(organization) if is_key(organization) else None
    if found is None or not actor.sees(found.id):
        raise NotFound("Organization not found")
    return found


def _columns(stored: User, patch: UserPatch) -> dict[str, Any]:
    said = patch.said()
    said.pop("password", None)
    if said.get("birthdate") is not None:
        said["birthdate"] = said["birthdate"].isoformat()
    if "address" in said:
        address = said.pop("address")
        told = address.said() if address is not None else dict.fromkeys(AddressPatch.model_fields)
        said |= {f"address_{name}": value for name, value in told.items()}
    return said


def _taken() -> Conflict:
    return Conflict.at("email", message="this organization has a person with this address")


async def _record(
    tx: Storage,
    actor: Actor,
    event_type: str,
    before: UserProfile | None,
    after: UserProfile,
    **more: str,
) -> None:
    await record_change(
        tx,
        actor,
        event_type,
        before,
        after,
        organization_id=after.organization_id,
        user_id=after.id,
        **more,
    )
