"""Change of one's own address, refused or undone by who has the address of before (decisions/0056).

Until it is made it is refused: nothing changes, and everything is signed out. After that it is
undone: the address comes back, and what somebody else may have got in by goes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from porta.audit import events
from porta.emails import notices
from porta.limits.origin import Origin
from porta.protocol import endpoints
from porta.runtime import Runtime
from porta.security import link_tokens
from porta.services import former_addresses, pending_email
from porta.services.password_reset import LinkOver
from porta.services.people import is_super_admin
from porta.tenants.tenant import Tenant
from storage.errors import AlreadyExists
from storage.models.artifacts import FormerLetter
from storage.models.users import UserProfile
from storage.router import Storage

_OVER = "the link is unknown, used or over"
_BEFORE = 86_400
"""Seconds before a change was asked for from which on ways to sign in are taken away with it:
whoever got in may have added one first."""
_REFUSED, _UNDONE = "user.email_change.refused", "user.email_change.undone"


@dataclass(frozen=True, slots=True)
class Refusable:
    """A change that can be refused, or undone where it was made."""

    user: UserProfile
    letter: FormerLetter
    is_taken: bool = False
    """Whether somebody else has that address by now, so that it could not come back."""

    @property
    def is_made(self) -> bool:
        """Whether the person has another address by now than the one that the letter went to."""
        return self.user.email != self.letter.email


async def find(runtime: Runtime, tenant: Tenant, token: str) -> Refusable:
    """Return the change that a link refuses or undoes; nothing is used up. Raises LinkOver.

    Also of who is locked or suspended, which an intruder may have brought about; both stay so.
    """
    return await _find(runtime, runtime.storage, tenant, token)


async def refuse(runtime: Runtime, tenant: Tenant, token: str, origin: Origin) -> Refusable:
    """Use the link that went to the address of before, and end everything that is signed in, since
    one of that asked for it; return what was refused, or undone. Raises LinkOver.

    Where somebody else has the address by now it cannot come back: the account is suspended then,
    for an administrator to look at.
    """
    try:
        return await _refuse(runtime, tenant, token, origin)
    except AlreadyExists:
        return await _refuse(runtime, tenant, token, origin, is_taken=True)


async def _refuse(
    runtime: Runtime, tenant: Tenant, token: str, origin: Origin, *, is_taken: bool = False
) -> Refusable:
    known = await _find(runtime, runtime.storage, tenant, token)
    key = known.user.id, tenant.id
    async with runtime.storage.transaction() as tx:
        await tx.users.find(key[0], organization_id=key[1], hold=True)
        found = await _find(runtime, tx, tenant, token)
        if found.is_made:
            await _take_back(tx, found, is_taken=is_taken)
        if found.is_made and not is_taken:
            await tell(tx, runtime, tenant, found.user)
        await pending_email.forget(tx, found.user)
        await former_addresses.end_since(tx, found.user, found.letter, runtime.clock())
        event = _UNDONE if found.is_made else _REFUSED
        await tx.end_account(*key, event)
        await events.record(
            tx, event, organization_id=tenant.id, user_id=key[0], origin=origin,
            metadata={"suspended": is_taken} if found.is_made else None,
        )  # fmt: skip
    return replace(found, is_taken=is_taken)


async def _take_back(tx: Storage, found: Refusable, *, is_taken: bool) -> None:
    """Give the person their address, and take away what others may know or have."""
    user, key = found.user, (found.user.id, found.user.organization_id)
    if is_taken:
        if await is_super_admin(tx, user.id):
            raise LinkOver("nobody suspends the super-admin user")
        if user.status == "active":  # a lock, or another's word, stays as it is
            await tx.users.set_status(*key, "suspended", expected=user.status)
    else:
        await tx.users.update(*key, {"email": found.letter.email, "email_verified": True})
    await tx.user_passwords.set(*key, None)
    await tx.auth_tokens.end_resets(*key)
    since = found.letter.at - _BEFORE
    for identity in await tx.identities.of_user(*key):
        if identity.created_at >= since:
            await tx.identities.delete(identity.id, *key)
    for passkey in await tx.passkeys.list(*key):
        if passkey.created_at >= since:
            await tx.passkeys.remove(passkey.id, key[1])
    await tx.second_factors.remove_since(*key, since)


async def tell(tx: Storage, runtime: Runtime, tenant: Tenant, user: UserProfile) -> None:
    """Tell the address that the account had meanwhile: its owner may have been the right one."""
    url = endpoints.absolute(tenant.issuer, endpoints.ACCOUNT)
    await notices.tell_change(tx, runtime.post, tenant.organization, user, "email_undone", url)


async def _find(runtime: Runtime, storage: Storage, tenant: Tenant, token: str) -> Refusable:
    person, digest = link_tokens.of_person(token)
    if digest is None:
        raise LinkOver(_OVER)
    now = runtime.clock()
    found = await former_addresses.find(storage, tenant.id, person, digest, now)
    found = found or await pending_email.find_refused(storage, tenant.id, person, digest, now)
    if found is None:
        raise LinkOver(_OVER)
    user = await storage.users.find(found[0], organization_id=tenant.id)
    if user is None:
        raise LinkOver(_OVER)
    return Refusable(user, found[1])
