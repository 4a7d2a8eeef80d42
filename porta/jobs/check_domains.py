"""Job: look whether the records are still there by which organizations have proven their domains.

A domain whose record was missing three times in a row has lapsed, which is a mark: people are led
as before, since the record of a name opens no way in that was closed (decisions/0047). Where no
resolver says, nothing is known. It may run twice: what changed meanwhile is not counted.
"""

from __future__ import annotations

import asyncio

from porta.audit import events
from porta.jobs.job import Execution, Job
from porta.outbound.dns import NotResolved
from porta.outbox.queue import Kind, Nothing
from porta.runtime import Runtime
from porta.services import domains
from storage.models.domains import Domain

EVERY = 7 * 86_400.0
"""Seconds until a record is looked for again."""
SOON = 86_400.0
"""Seconds where it was missing the last time."""
MISSED = 3
_BATCH = 20
"""Look-ups at a time."""
_FIRST = "00000000-0000-0000-0000-000000000000"


async def run(execution: Execution) -> None:
    """Look for the record of each domain that is due."""
    done, after = 0, _FIRST
    everywhere = execution.runtime.storage.everywhere
    while due := await everywhere.domains.due(EVERY, SOON, after, _BATCH):
        await asyncio.gather(*(check(execution.runtime, each) for each in due))
        done, after = done + len(due), due[-1].id
        await execution.progress(done)


async def check(runtime: Runtime, domain: Domain) -> None:
    """Note whether the record of a domain is there; where nobody says, nothing."""
    storage = runtime.storage.everywhere
    try:
        there = await domains.is_there(runtime, domain)
    except NotResolved:
        return
    if there:
        await storage.domains.found(domain.id, domain.organization_id)
        return
    async with storage.transaction() as tx:
        after = await tx.domains.missed(domain, MISSED)
        if after is not None and after.lapsed_at is not None and domain.lapsed_at is None:
            await events.record(
                tx, "domain.lapsed", organization_id=domain.organization_id,
                metadata={"domain_id": domain.id, "domain": domain.domain},
            )  # fmt: skip


JOB = Job(Kind("check_domains", Nothing), run, every=6 * 3_600.0)
