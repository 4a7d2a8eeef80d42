"""User service: people, as administrators manage them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Literal

import msgspec

from porta.audit.actors import Actor
from porta.emails.post import Post
from porta.errors import Conflict, Invalid, Problem
from porta.security.passwords import Hashed
from porta.services import former_addresses, owner_notices, pending_email
from porta.services.commands import Command, Reasoned
from porta.services.fields import (
    Reason,
    SearchTerm,
)
from porta.services.lifecycle import Lifecycle
from porta.services.people import (
    WHAT,
    check_not_super_admin,
    find_user,
    hold_user,
    record_of_person,
)
from porta.services.permissions import needs
from porta.services.targets import changes_of, check_page, find_home, require
from porta.services.user_fields import NewUser, UserPatch, columns_of
from porta.services.user_passwords import check_new_password, hash_of, names_of
from storage.models.pages import Listed, Page
from storage.models.users import User, UserProfile
from storage.repositories.users import SORTS, UNINDEXED_SORTS

if TYPE_CHECKING:
    from storage.router import Storage

MOST_SORTED = 20_000
"""People that a sort without an index reads and sorts for each page: 500,000 took over a second."""


class Locking(Reasoned):
    """Why a person is locked, which is needed."""

    reason: Reason


class UserFilters(Command):
    """Which people are listed."""

    status: Literal["active", "inactive", "suspended", "locked"] | None = None
    search: SearchTerm | None = None
    """A part of the address or the name, in any letter case."""


@needs("admin:user:create")
async def create(
    tx: Storage,
    actor: Actor,
    organization: str,
    command: NewUser,
    hashed: Hashed | None = None,
    *,
    password_hash: str | None = None,
) -> UserProfile:
    """Add a person to the organization of this id or slug; `hashed` is the password, if there is
    one (`user_passwords.hash_new`), or `password_hash` a hash that was made elsewhere, and judged
    (`passwords.find_hash_problem`): of what is in it, nobody can tell.

    Raises NotFound, Invalid for a password that may not be chosen or an organization that is
    archived, Conflict when it has somebody with the address.
    """
    home = await find_home(tx, actor, organization)
    if home.status == "archived":
        raise Invalid("an archived organization takes no more people")
    new = User(id=str(uuid.uuid4()), organization_id=home.id, email=command.email)
    columns = columns_of(command)
    if command.password is not None:
        check_new_password(command.password, home, names_of(home, command))
        columns["password_hash"] = hash_of(command.password, hashed)
    elif password_hash is not None:
        columns["password_hash"] = password_hash
    made = await tx.users.insert(msgspec.structs.replace(new, **columns))
    if made is None:
        raise _taken()
    await record_of_person(tx, actor, "user.created", None, made)
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
    """Return a page of the people of an organization. Raises NotFound, Invalid; for a sort without
    an index also where more than MOST_SORTED people match.
    """
    check_page(page, SORTS)
    home = await find_home(storage, actor, organization)
    if page.sort in UNINDEXED_SORTS and await storage.users.are_more_than(
        MOST_SORTED, home.id, status=filters.status, search=filters.search
    ):
        said = f"sorts {MOST_SORTED} people at most: sort by another, or search for fewer"
        raise Invalid(problems=[Problem(("sort",), said)])
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
    post: Post | None = None,
) -> UserProfile:
    """Change what `patch` says of a person, and return them as they are then. Of another address
    the one of before is told.

    Raises NotFound, PreconditionFailed, Forbidden for who may what the actor may not, Conflict when
    somebody else of the organization has the address.
    """
    stored = await hold_user(tx, actor, target, within, version)
    changes = changes_of(stored, columns_of(patch))
    if "email" in changes:
        if "email_verified" not in patch.model_fields_set and stored.email_verified:
            changes["email_verified"] = False
        other = await tx.users.find_by_email(stored.organization_id, patch.email)
        if other is not None and other.id != stored.id:
            raise _taken()
    if not changes:
        return stored
    after = require(await tx.users.update(stored.id, stored.organization_id, changes), WHAT)
    if after.email != stored.email:  # what an administrator says, no letter of before undoes
        await pending_email.forget(tx, stored)
        await former_addresses.forget(tx, stored)
        await owner_notices.tell(tx, post, stored, "email_set")
    await record_of_person(tx, actor, "user.updated", stored, after)
    return after


@needs("admin:user:update")
async def verify_email(
    tx: Storage,
    actor: Actor,
    target: str,
    version: int | None = None,
    *,
    within: str | None = None,
) -> UserProfile:
    """Take the address of a person for theirs. Raises NotFound, PreconditionFailed, Forbidden."""
    stored = await hold_user(tx, actor, target, within, version)
    if stored.email_verified:
        return stored
    changes = {"email_verified": True}
    after = require(await tx.users.update(stored.id, stored.organization_id, changes), WHAT)
    await record_of_person(tx, actor, "user.email.verified", stored, after)
    return after


def _taken() -> Conflict:
    return Conflict.at("email", message="this organization has a person with this address")


async def _write_status(
    tx: Storage, stored: UserProfile, status: str, reason: str | None
) -> UserProfile:
    key, since = (stored.id, stored.organization_id), stored.status
    if not await tx.users.set_status(*key, status, expected=since, reason=reason):
        raise Conflict.at("status", message="it changed at the same time")
    return require(await tx.users.find(stored.id), WHAT)


async def _end(tx: Storage, stored: UserProfile, status: str, event: str) -> None:
    """End every session and token; also of who becomes active, for a sign-in that was on its way
    (decisions/0018). An automatic lock ended nothing, nor does its end.
    """
    if not stored.is_usable or status != "active":
        await tx.end_account(stored.id, stored.organization_id, event)


async def _held(
    tx: Storage, actor: Actor, target: str, version: int | None, within: str | None = None
) -> UserProfile:
    return await hold_user(tx, actor, target, within, version)


async def _check_may_leave(tx: Storage, stored: UserProfile, status: str) -> None:
    if status != "active":
        await check_not_super_admin(tx, stored, "stays active")


_LIFECYCLE = Lifecycle(__name__, _held, _write_status, record_of_person, _check_may_leave, _end)

deactivate = needs("admin:user:suspend")(
    _LIFECYCLE.change("deactivate", "active", to="inactive", event="user.deactivated")
)
"""Deactivate an active person, at once and for good: who is active again signs in anew."""
reactivate = needs("admin:user:suspend")(
    _LIFECYCLE.change("reactivate", "inactive", to="active", event="user.reactivated")
)
"""Make an inactive person active."""
suspend = needs("admin:user:suspend")(
    _LIFECYCLE.change("suspend", "active", to="suspended", event="user.suspended")
)
"""Suspend an active person, as `deactivate` does."""
unsuspend = needs("admin:user:suspend")(
    _LIFECYCLE.change("unsuspend", "suspended", to="active", event="user.activated")
)
"""End a suspension."""
unlock = needs("admin:user:suspend")(
    _LIFECYCLE.change("unlock", "locked", to="active", event="user.unlocked")
)
"""Unlock a person; failures are counted anew."""
_lock = _LIFECYCLE.change("lock", "active", to="locked", event="user.locked")


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
    """Lock an active person, as `deactivate` does, for a reason. Raises as every change does."""
    return await _lock(tx, actor, target, command, version, within=within)
