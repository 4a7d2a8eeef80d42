"""Second factors of one person: what is enrolled, taken away, and new recovery codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from porta.audit import events
from porta.audit.actors import Actor
from porta.emails.post import Post
from porta.errors import Forbidden, Invalid
from porta.security import recovery_codes
from porta.security.passwords import Passwords
from porta.services import owner_notices
from porta.services.people import (
    WHAT,
    check_not_super_admin,
    find_user,
    hold_user,
    record_of_person,
)
from porta.services.permissions import needs
from porta.services.targets import require
from storage.models.sign_ins import SecondFactors
from storage.models.users import UserProfile

if TYPE_CHECKING:
    from storage.router import Storage

_NONE = "Two-factor authentication is not enabled for this user"


@dataclass(frozen=True, slots=True)
class NewCodes:
    """Recovery codes that nobody has seen yet, and their Argon2id hashes."""

    codes: tuple[str, ...] = field(repr=False)
    hashes: tuple[str, ...] = field(repr=False)


@needs("admin:user:read")
async def status(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> tuple[UserProfile, SecondFactors]:
    """Return a person with what is enrolled. Raises NotFound."""
    user = await find_user(storage, actor, target, within)
    found = await storage.second_factors.find(user.id, user.organization_id)
    return user, found or SecondFactors()


@needs("admin:user:2fa")
async def disable(
    tx: Storage,
    actor: Actor,
    target: str,
    version: int | None = None,
    *,
    within: str | None = None,
    post: Post | None = None,
) -> UserProfile:
    """Take every second factor from a person, who is told. Who got in by one is out: sessions and
    tokens end.

    Raises NotFound, PreconditionFailed, Invalid where there is none, and Forbidden: for the
    super-admin user, for who may what the actor may not, and for one's own, which is changed where
    its proof can be asked.
    """
    return await _remove(tx, actor, target, within, version, "user.2fa.disabled", post)


@needs("admin:user:2fa")
async def reset(
    tx: Storage,
    actor: Actor,
    target: str,
    version: int | None = None,
    *,
    within: str | None = None,
    post: Post | None = None,
) -> UserProfile:
    """The same for a person who has lost it and is to enrol another. Raises as `disable` does."""
    return await _remove(tx, actor, target, within, version, "user.2fa.reset", post)


async def prepare_codes(passwords: Passwords) -> NewCodes:
    """Make recovery codes and hash them, before the transaction that keeps them.

    Raises Unavailable where there is no room for so much work.
    """
    codes = recovery_codes.new_codes()
    hashes = [await passwords.hash(recovery_codes.to_hashed(code)) for code in codes]
    return NewCodes(codes, tuple(hashes))


@needs("admin:user:2fa")
async def regenerate_codes(
    tx: Storage,
    actor: Actor,
    target: str,
    new: NewCodes,
    version: int | None = None,
    *,
    within: str | None = None,
    post: Post | None = None,
) -> UserProfile:
    """Give a person new recovery codes: those before are worth nothing any more.

    Raises as `disable` does.
    """
    stored = await _held(tx, actor, target, within, version)
    key = (stored.id, stored.organization_id)
    await tx.second_factors.replace_recovery_codes(*key, new.hashes)
    await owner_notices.tell(tx, post, stored, "recovery_codes_new")
    await events.record(
        tx,
        "user.2fa.codesRegenerated",
        organization_id=stored.organization_id,
        user_id=stored.id,
        metadata={"codes": len(new.hashes)},
        actor=actor,
    )
    return stored


async def _remove(
    tx: Storage,
    actor: Actor,
    target: str,
    within: str | None,
    version: int | None,
    event_type: str,
    post: Post | None,
) -> UserProfile:
    stored = await _held(tx, actor, target, within, version)
    key = (stored.id, stored.organization_id)
    await tx.second_factors.remove(*key)
    await tx.end_account(*key, event_type)
    await owner_notices.tell(tx, post, stored, "second_factor_off")
    after = require(await tx.users.find(stored.id), WHAT)
    await record_of_person(tx, actor, event_type, stored, after)
    return after


async def _held(
    tx: Storage, actor: Actor, target: str, within: str | None, version: int | None
) -> UserProfile:
    stored = await hold_user(tx, actor, target, within, version)
    await check_not_super_admin(tx, stored, "keeps their second factor")
    if stored.id == actor.user_id:
        raise Forbidden("your own second factor is changed where you sign in, not here")
    found = await tx.second_factors.find(stored.id, stored.organization_id) or SecondFactors()
    if not (stored.two_factor_enabled or found.has_totp or found.recovery_codes or found.passkeys):
        raise Invalid(_NONE)
    return stored
