"""Pending change of one's own address: found, given up, forgotten.

One that is given up cannot be confirmed any more, and can still be refused: whoever got in, asked
for it and takes that back is signed out by the owner's link all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.limits.origin import Origin
from storage.models.artifacts import EmailChange
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage


async def find(storage: Storage, user: User) -> EmailChange | None:
    """Return what a person waits for, and may still confirm."""
    found = await _find(storage, user)
    stands = found is not None and found.confirmation and found.sent_from == user.email
    return found if stands else None


async def end(
    tx: Storage, held: User, by: str, *, actor: Actor = SYSTEM, origin: Origin | None = None
) -> bool:
    """Give up what a person who is held waits for, whatever it came to be; tell whether there was
    something. `by` is what gives it up, for the trail. Its refusal is good for as long again.
    """
    found = await _find(tx, held)
    if found is None or not found.confirmation:
        return False
    await tx.artifacts.save(msgspec.structs.replace(found, confirmation=""), found.lifetime)
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
