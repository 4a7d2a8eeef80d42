"""Passkeys of one person: which they have, called by a name, taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.emails.post import Post
from porta.errors import Forbidden
from porta.services import owner_notices
from porta.services.commands import Command
from porta.services.fields import PasskeyName
from porta.services.people import check_not_super_admin, find_user, hold_user
from porta.services.permissions import needs
from porta.services.targets import require
from storage.models.passkeys import Passkey
from storage.models.users import UserProfile

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Passkey"


class PasskeyPatch(Command):
    """What of a passkey may change."""

    name: PasskeyName


@needs("admin:user:read")
async def list(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> tuple[Passkey, ...]:
    """Return the passkeys of a person, the oldest first. Raises NotFound."""
    user = await find_user(storage, actor, target, within)
    return await storage.passkeys.list(user.id, user.organization_id)


@needs("admin:user:read")
async def get(
    storage: Storage, actor: Actor, target: str, passkey_id: str, *, within: str | None = None
) -> Passkey:
    """Return one passkey of a person. Raises NotFound."""
    user = await find_user(storage, actor, target, within)
    return require(await _find(storage, user, passkey_id), WHAT)


@needs("admin:user:update")
async def rename(
    tx: Storage,
    actor: Actor,
    target: str,
    passkey_id: str,
    patch: PasskeyPatch,
    version: int | None = None,
    *,
    within: str | None = None,
) -> Passkey:
    """Call a passkey something else. Raises NotFound, Forbidden, PreconditionFailed."""
    user = await hold_user(tx, actor, target, within)
    stored = require(await _find(tx, user, passkey_id), WHAT, version)
    if stored.name == patch.name:
        return stored
    await tx.passkeys.rename(stored.id, user.organization_id, patch.name)
    await _record(tx, actor, "user.passkey.renamed", user, stored)
    return require(await _find(tx, user, passkey_id), WHAT)


@needs("admin:user:2fa")
async def remove(
    tx: Storage,
    actor: Actor,
    target: str,
    passkey_id: str,
    version: int | None = None,
    *,
    within: str | None = None,
    post: Post | None = None,
) -> None:
    """Take a passkey from a person, who is told. Who got in by it is out: sessions and tokens end.

    With the last one goes the second factor that it was. Raises NotFound, PreconditionFailed, and
    Forbidden as for every other second factor (`user_two_factor.disable`).
    """
    user = await hold_user(tx, actor, target, within)
    await check_not_super_admin(tx, user, "keeps their passkeys")
    if user.id == actor.user_id:
        raise Forbidden("your own passkeys are changed where you sign in, not here")
    stored = require(await _find(tx, user, passkey_id), WHAT, version)
    key = (user.id, user.organization_id)
    await tx.passkeys.remove(stored.id, user.organization_id)
    if user.two_factor_method == "passkey" and not await tx.passkeys.list(*key):
        await tx.second_factors.remove(*key)
    await tx.end_account(*key, "user.passkey.removed")
    await owner_notices.tell(tx, post, user, "passkey_removed", passkey=stored.name)
    await _record(tx, actor, "user.passkey.removed", user, stored)


async def _find(storage: Storage, user: UserProfile, passkey_id: str) -> Passkey | None:
    held = await storage.passkeys.list(user.id, user.organization_id)
    return next((each for each in held if each.id == passkey_id.lower()), None)


async def _record(
    tx: Storage, actor: Actor, event_type: str, user: UserProfile, passkey: Passkey
) -> None:
    await record_change(
        tx, actor, event_type, None, None, organization_id=user.organization_id, user_id=user.id,
        passkey_id=passkey.id,
    )  # fmt: skip
