"""Job service: what is queued, how far it is; another attempt by hand, and none any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import Field

from porta.audit import events
from porta.audit.actors import Actor
from porta.errors import Conflict, NotFound
from porta.services.commands import Command
from porta.services.permissions import needs
from porta.services.targets import check_page
from storage.models.jobs import Job, JobState
from storage.models.pages import Listed, Page
from storage.repositories.jobs import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Job"
LONGEST_ID = 18
"""Digits: what PostgreSQL counts up to in a bigint has more."""
_LOOK = 2.0
"""Seconds after which a watched job is looked at, though nobody told of it."""
_PACE = 0.5
"""Seconds between two looks, however often it changes."""


class JobFilters(Command):
    """Which jobs are listed."""

    state: JobState | None = None
    kind: str | None = Field(None, max_length=100)
    organization_id: UUID | None = None


@needs("admin:audit:read")
async def list(storage: Storage, actor: Actor, page: Page, filters: JobFilters) -> Listed[Job]:
    """Return a page of jobs: who administers one organization sees its own. Raises Invalid."""
    check_page(page, SORTS)
    wanted = str(filters.organization_id) if filters.organization_id else None
    if wanted is not None and not actor.sees(wanted):
        return Listed(rows=())
    return await storage.jobs.list_page(
        page,
        organization_id=wanted or actor.organization_id,
        state=filters.state,
        kind=filters.kind,
    )


@needs("admin:audit:read")
async def get(storage: Storage, actor: Actor, target: str) -> Job:
    """Return the job of this number. Raises NotFound."""
    return await _find(storage, actor, target)


@needs("admin:config:update")
async def retry(tx: Storage, actor: Actor, target: str) -> Job:
    """Have a dead letter tried again, or at once what waits for its time; return it as it is then.

    Raises NotFound, and Conflict for what runs, is ready, or is done.
    """
    job = await _find(tx, actor, target)
    if not await tx.jobs.revive(job.id):
        raise Conflict(f"this job is {job.state}: only what is dead or waiting can be tried again")
    await events.record(
        tx,
        "job.retried",
        organization_id=job.organization_id,
        metadata={"job": job.id, "kind": job.kind, "error": job.last_error},
        actor=actor,
    )
    return await _find(tx, actor, target)


@needs("admin:config:update")
async def cancel(tx: Storage, actor: Actor, target: str) -> Job:
    """Have a job done no more: it is kept like a dead letter, which it may be; return it as it is
    then.

    One that runs loses its lease: nothing of it is committed to PostgreSQL from then on, and what
    it has sent outside stays sent. Raises NotFound, and Conflict for what is done, is cancelled, or
    recurs.
    """
    job = await _find(tx, actor, target)
    if job.scheduled:
        raise Conflict("this job recurs: the installation does not go without it")
    if not await tx.jobs.cancel(job.id):
        raise Conflict("this job is done or cancelled already")
    await events.record(
        tx,
        "job.cancelled",
        organization_id=job.organization_id,
        metadata={"job": job.id, "kind": job.kind, "state": str(job.state)},
        actor=actor,
    )
    return await _find(tx, actor, target)


async def watch(storage: Storage, actor: Actor, target: str) -> AsyncGenerator[Job, None]:
    """Yield a job as it is, and again whenever it changed, until it has ended.

    Raises NotFound, also when it is purged meanwhile, and Forbidden.
    """
    changed = asyncio.Event()

    def heard(table: str, key: str) -> None:
        if table == "*" or (table == "jobs" and key == target):
            changed.set()

    unsubscribe = storage.on_change(heard)
    try:
        told: Job | None = None
        while told is None or not told.ended:
            changed.clear()
            job = await get(storage, actor, target)
            if job != told:
                told = job
                yield job
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _LOOK)
            await asyncio.sleep(_PACE)
    finally:
        unsubscribe()


async def _find(storage: Storage, actor: Actor, target: str) -> Job:
    known = target.isascii() and target.isdecimal() and len(target) <= LONGEST_ID
    job = await storage.jobs.find(int(target)) if known else None
    if job is None or actor.organization_id not in (None, job.organization_id):
        raise NotFound(f"{WHAT} not found")
    return job
