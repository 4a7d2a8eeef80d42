"""Audit trail as an administrator handles it: read, and shortened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from porta.audit import events
from porta.audit.actors import Actor
from porta.services.permissions import needs
from storage.models.audit import AuditEntry, AuditFilter
from storage.models.pages import Listed, Page

if TYPE_CHECKING:
    from storage.router import Storage

_BATCH = 500
MOST_REMOVED = 20_000
"""Entries that one clean-up takes away, or looks for; whoever wants more asks again."""


@needs("admin:audit:read")
async def list_entries(
    storage: Storage, actor: Actor, wanted: AuditFilter, page: Page
) -> Listed[AuditEntry]:
    """Return a page of entries; whoever administers one organization sees its own."""
    if actor.organization_id is not None:
        if wanted.organization_id not in (None, actor.organization_id):
            return Listed(rows=(), total=0)
        wanted = msgspec.structs.replace(wanted, organization_id=actor.organization_id)
    return await storage.audit.list(wanted, page)


async def history(storage: Storage, wanted: AuditFilter, page: Page) -> Listed[AuditEntry]:
    """Return what happened to a thing that the caller has found, and so may see."""
    return await storage.audit.list(wanted, page)


@needs("admin:config:update", unbound=True)
async def clean_up(storage: Storage, actor: Actor, days: int, *, dry_run: bool) -> tuple[int, int]:
    """Delete entries older than `days`; return how many were found, and how many deleted.

    MOST_REMOVED at most. What is left follows on itself: only what stands first goes.
    """
    async with storage.transaction() as tx:
        found = await tx.audit.count_old(days, MOST_REMOVED)
        deleted = 0
        while not dry_run and deleted < found:
            batch = await tx.events.purge(days, min(_BATCH, found - deleted))
            deleted += batch
            if batch == 0:
                break
        if not dry_run:
            told = {"retention_days": days, "deleted": deleted}
            await events.record(tx, "audit.cleaned", metadata=told, actor=actor)
    return found, deleted


async def erase_person(tx: Storage, actor: Actor, user_id: str, organization_id: str) -> int:
    """Remove from the trail what is personal of a person; return how many entries it was found in.

    Who, when and what stay, so that the trail goes on proving itself; addresses, programs and all
    that was told of what happened to them go. To be called in the transaction that removes the
    person, who may be gone before or after. The caller has checked that the actor may.
    """
    found = await tx.events.erase_person(user_id)
    await events.record(
        tx,
        "audit.person.erased",
        organization_id=organization_id,
        user_id=user_id,
        metadata={"entries": found},
        actor=actor,
    )
    return found
