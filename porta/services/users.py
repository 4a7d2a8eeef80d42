"""User service: people, as administrators manage them."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING

import msgspec

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict, Forbidden, NotFound
from porta.security.passwords import Passwords, is_dear_cost
from porta.services.lifecycle import USER, event_of
from porta.text.email_addresses import canonical_email
from storage.errors import AlreadyExists, StorageError
from storage.models.users import User
from storage.repositories.users import PROFILE

if TYPE_CHECKING:
    from storage.router import Storage

_LOG = logging.getLogger(__name__)


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


async def create(
    storage: Storage,
    user: User,
    *,
    password: str | None = None,
    passwords: Passwords | None = None,
    actor: Actor = SYSTEM,
) -> User:
    """Store a new person with the canonical form of the address, and return them with an id.

    A `password` is hashed with `passwords`; its rules are the caller's, who knows whether a second
    factor stands beside it. Raises Invalid for the address, Conflict when the organization has it.
    """
    password_hash = None
    if password is not None:
        assert passwords is not None, "a password needs a hasher"
        password_hash = await passwords.hash(password)
    new = msgspec.structs.replace(
        user,
        id=str(uuid.uuid4()),
        email=canonical_email(user.email),
        password_hash=password_hash,
    )
    async with storage.transaction() as tx:
        try:
            await tx.users.insert(new)
        except AlreadyExists:
            raise Conflict("email: this organization has a person with this address") from None
        await _record(tx, "user.created", new, actor)
    return new


async def update(storage: Storage, user: User, *, actor: Actor = SYSTEM) -> tuple[str, ...]:
    """Write the profile of a person; return the fields that changed.

    Address, password and status have ways of their own. Raises NotFound.
    """
    async with storage.transaction() as tx:
        stored = await tx.users.find_by_id(user.id, user.organization_id)
        if stored is None:
            raise NotFound("User not found")
        changed = tuple(name for name in PROFILE if getattr(stored, name) != getattr(user, name))
        if changed:
            await tx.users.update_profile(user)
            await _record(tx, "user.updated", user, actor, changed=list(changed))
    return changed


async def set_status(
    storage: Storage,
    user_id: str,
    organization_id: str,
    status: str,
    *,
    reason: str | None = None,
    actor: Actor = SYSTEM,
) -> User:
    """Activate, deactivate (`inactive`), suspend or lock a person. It works at once, and for good:
    who is active again signs in anew. An automatic lock has ended nothing, nor does its end.

    Raises NotFound, Invalid for a status that does not follow, Forbidden for the super-admin user,
    and Conflict when the status changed at the same moment.
    """
    async with storage.transaction() as tx:
        stored = await tx.users.find_by_id(user_id, organization_id)
        if stored is None:
            raise NotFound("User not found")
        event_type = event_of(USER, stored.status, status)
        if status != "active":
            await _check_not_super_admin(tx, user_id)
        if not await tx.users.set_status(
            user_id, organization_id, status, expected=stored.status, reason=reason
        ):
            raise Conflict("status: it changed at the same time")
        if not stored.is_usable or status != "active":
            await end_rights(tx, user_id, organization_id, event_type)
        more: dict[str, object] = {"reason": reason} if reason else {}
        await _record(tx, event_type, stored, actor, **more)
    return msgspec.structs.replace(stored, status=status)


async def end_rights(tx: Storage, user_id: str, organization_id: str, reason: str) -> None:
    """End every session of a person with all that was issued in it, tokens included, for good.

    For a status that changes and a password that is set, in the transaction `tx` of that change:
    whoever else had got in is out (ASVS 7.4.2, 7.4.3). `reason` is a word for the record.
    """
    await tx.end_account(user_id, organization_id, reason)


async def _check_not_super_admin(tx: Storage, user_id: str) -> None:
    """The person that `porta init` made can always get in: else nobody could let others in."""
    if (await tx.system_config.all()).get("super_admin_user_id") == user_id:
        raise Forbidden("the super-admin user stays active")


async def _record(
    tx: Storage, event_type: str, user: User, actor: Actor, **metadata: object
) -> None:
    await events.record(
        tx,
        event_type,
        organization_id=user.organization_id,
        user_id=user.id,
        metadata=metadata,
        actor=actor,
    )
