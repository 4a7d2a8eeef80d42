"""Audit trail as an administrator handles it: read, and shortened."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import msgspec

from porta.audit import events
from porta.audit.actors import Actor
from porta.audit.checkpoints import Start
from porta.audit.tail import AuditTail, Step
from porta.errors import Invalid
from porta.outbox.queue import Kind, enqueue
from porta.security.audit_keys import AuditKeys
from porta.services import audit_sealing
from porta.services.permissions import needs
from porta.services.targets import list_seen
from storage.models.audit import ERASED, AuditEntry, AuditFilter, Recorded
from storage.models.pages import Listed, Page

if TYPE_CHECKING:
    from storage.router import Storage

_BATCH = 2000
"""Entries that go at a time, and with them a checkpoint comes."""
MARK = 15.0
"""Seconds of silence of the tail, after which a place is told to go on after."""
MOST_ERASED = 2000
"""Entries of a person that are erased at once; a job does the rest."""
MOST_REMOVED = 20_000
"""Entries that one clean-up takes away, or looks for; whoever wants more asks again."""


class Erasure(msgspec.Struct, frozen=True):
    """Whose personal data is still to be erased from the trail."""

    user_id: str
    organization_id: str


ERASE_PERSON = Kind("erase_person_from_audit", Erasure)


@needs("admin:audit:read")
async def list_entries(
    storage: Storage, actor: Actor, wanted: AuditFilter, page: Page
) -> Listed[AuditEntry]:
    """Return a page of entries; whoever administers one organization sees its own."""
    return await list_seen(actor, wanted, page, storage.audit.list)


@needs("admin:audit:read")
async def follow(
    storage: Storage, actor: Actor, tail: AuditTail, wanted: AuditFilter, after: int | None
) -> AsyncGenerator[Step, None]:
    """Return what is sealed from now on, or after a place, as it is sealed; a step without entries
    at the beginning where there is none, and every MARK seconds.

    Whoever administers one organization is told of its own. Raises Invalid for a place to come.
    """
    end = await storage.audit.last_place()
    if after is not None and after > end:
        raise Invalid("Last-Event-ID is of another trail than this one")

    def is_wanted(entry: AuditEntry) -> bool:
        mine = actor.organization_id in (None, entry.organization_id)
        return mine and wanted.matches(entry)

    return tail.follow(end if after is None else after, end, is_wanted, MARK)


async def history(storage: Storage, wanted: AuditFilter, page: Page) -> Listed[AuditEntry]:
    """Return what happened to a thing that the caller has found, and so may see."""
    return await storage.audit.list(wanted, page)


@needs("admin:config:update", unbound=True)
async def clean_up(
    tx: Storage, actor: Actor, days: int, *, keys: AuditKeys, dry_run: bool
) -> tuple[int, int]:
    """Delete entries older than `days`; return how many were found, and how many deleted.

    MOST_REMOVED at most. What is left follows on itself: only what stands first goes.
    """
    found = await tx.audit.count_old(days, MOST_REMOVED)
    if dry_run:
        return found, 0
    deleted = 0
    if found:
        await audit_sealing.seal_all(tx, keys, MOST_REMOVED // audit_sealing.BATCH)
        while deleted < found:
            batch = await shorten_within(tx, keys, days, min(_BATCH, found - deleted))
            deleted += batch
            if batch == 0:
                break
    told = {"retention_days": days, "deleted": deleted}
    await events.record(tx, "audit.cleaned", metadata=told, actor=actor)
    return found, deleted


async def shorten(storage: Storage, keys: AuditKeys, days: int, limit: int) -> int:
    """Delete up to `limit` entries that stand first and are older than `days`; return how many.

    Nothing while somebody else seals: whoever calls comes again.
    """
    async with storage.transaction() as tx:
        return await shorten_within(tx, keys, days, limit)


async def shorten_within(tx: Storage, keys: AuditKeys, days: int, limit: int) -> int:
    """As `shorten`, in a transaction of the caller's.

    What goes was sealed, and is covered by a checkpoint. Another one says, signed, up to where it
    is gone, and with which hashes what is left goes on.
    """
    state = await tx.audit_chain.hold()
    if state is None:
        return 0
    place, heads = await tx.audit_chain.oldest(days, state.checkpoint_place, limit)
    if not heads:
        return 0
    state, _ = await audit_sealing.sign(tx, keys, state, Start(place=place, heads=heads))
    removed = await tx.audit_chain.remove(place)
    await tx.audit_chain.put(state)
    return removed


async def erase_person(tx: Storage, actor: Actor, user_id: str, organization_id: str) -> int:
    """Remove from the trail what is personal of a person; return how many entries it was found in.

    Who, when and what stay, and salted commitments to what went, so that the trail goes on proving
    itself; addresses, programs and all that was told of what happened to them go. To be called in
    the transaction that removes the person, who may be gone before or after. The caller has checked
    that the actor may. Of very many entries the rest is left to a job.
    """
    await tx.audit_chain.hold(wait=True)
    unsealed = await tx.audit_chain.unsealed_of(user_id, MOST_ERASED)
    for entry in unsealed:
        await tx.audit_chain.rewrite(events.stamped(_erased(entry, user_id), tx.stamp))
    sealed = await tx.audit_chain.erase(user_id, MOST_ERASED)
    found = len(unsealed) + len(sealed)
    for place in {organization_id, *sealed}:
        await events.record(
            tx,
            ERASED,
            organization_id=place,
            user_id=user_id,
            metadata={"entries": found},
            actor=actor,
        )
    if found >= MOST_ERASED:
        await enqueue(tx, ERASE_PERSON, Erasure(user_id, organization_id))
    return found


def _erased(entry: Recorded, user_id: str) -> Recorded:
    """Return what of an entry stays without what is personal of this person."""
    if entry.user_id == user_id and entry.event_type != ERASED:
        entry = msgspec.structs.replace(entry, description=None, metadata="{}")
    if (entry.actor_id or entry.user_id) == user_id:
        entry = msgspec.structs.replace(entry, ip_address=None, user_agent=None)
    return entry
