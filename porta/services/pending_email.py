"""Pending change of one's own address: found, given up, forgotten.

What is given up cannot be confirmed any more. The letters that went to the address of before stay
good whatever became of it (`former_addresses`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.limits.origin import Origin
from porta.security import opaque
from storage.models.artifacts import EmailChange, FormerLetter
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage


async def find(storage: Storage, user: User) -> EmailChange | None:
    """Return what a person waits for, and may still confirm."""
    found = await _find(storage, user)
    return found if found is not None and found.sent_from == user.email else None


async def find_kept(storage: Storage, user: User) -> EmailChange | None:
    """Return what is kept of what a person asked for, whether it may still be confirmed or not."""
    return await _find(storage, user)


async def find_refused(
    storage: Storage, organization_id: str, person: str, digest: str, now: float
) -> tuple[str, FormerLetter] | None:
    """Return the letter that refuses what a person waits for, and their id: of a version that kept
    no letters.
    """
    value = EmailChange.value_of(person)
    found = await storage.artifacts.find(EmailChange, value, organization_id)
    if found is None or found.asked_at or not opaque.equal(found.refusal, digest):
        return None
    letter = FormerLetter(
        digest=digest, email=found.sent_from, wanted=found.email, at=now, until=now
    )
    return found.account_id, letter


async def end(
    tx: Storage, held: User, by: str, *, actor: Actor = SYSTEM, origin: Origin | None = None
) -> bool:
    """Give up what a person who is held waits for, whatever it came to be; tell whether there was
    something. `by` is what gives it up, for the trail.
    """
    found = await _find(tx, held)
    if found is None:
        return False
    await tx.artifacts.delete(found)
    await events.record(
        tx, "user.email_change.withdrawn", organization_id=held.organization_id, user_id=held.id,
        metadata={"by": by}, actor=actor, origin=origin,
    )  # fmt: skip
    return True


async def forget(tx: Storage, user: User) -> None:
    """Delete what a person waits for, with both addresses."""
    found = await _find(tx, user)
    if found is not None:
        await tx.artifacts.delete(found)


async def _find(storage: Storage, user: User) -> EmailChange | None:
    value = EmailChange.value_of(user.id)
    return await storage.artifacts.find(EmailChange, value, user.organization_id)
