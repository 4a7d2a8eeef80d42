"""Job: import a document, with the rights that whoever asked for it has by now."""

from __future__ import annotations

from porta.administration import import_reports
from porta.administration.import_reports import ImportReport
from porta.audit.actors import Actor
from porta.errors import Forbidden, PortaError, Unavailable
from porta.jobs.job import Execution, Job, JobDeferred, JobFailed
from porta.services import imports
from porta.services.imports import IMPORT, QueuedImport
from porta.services.provisioning import Report
from storage.router import Storage


async def run(execution: Execution) -> None:
    """Import it, and keep the report; what it does and that it is done are one transaction.

    What is refused is a report too, and no failure of the job: another attempt would change
    nothing about it.
    """
    asked = IMPORT.decode(execution.payload)
    try:
        await _import(execution, asked)
    except Unavailable as fault:
        raise JobDeferred(fault.message) from None
    except PortaError as refusal:
        async with execution.completion() as tx:
            await _keep(execution, tx, import_reports.refused(refusal, asked.mode))


async def _import(execution: Execution, asked: QueuedImport) -> None:
    runtime = execution.runtime
    manifest = imports.unseal(runtime.settings.cookie_keys, asked.box)
    if manifest is None:
        raise JobFailed("none of COOKIE_KEYS opens it")
    actor = await _actor(execution, asked)

    async def progress(done: int) -> None:
        await execution.progress(min(done, asked.total), asked.total)

    async def at_end(tx: Storage, report: Report) -> None:
        await _keep(execution, tx, import_reports.report_of(report, asked.mode))
        await execution.complete(tx)

    report = await imports.run(
        runtime.storage.everywhere,
        actor,
        imports.read(manifest),
        asked.mode,
        passwords=runtime.passwords,
        keys=runtime.settings.signing_key_encryption_keys,
        now=runtime.clock(),
        at_end=at_end,
        progress=progress,
    )
    if report.dry_run:
        async with execution.completion() as tx:
            await _keep(execution, tx, import_reports.report_of(report, asked.mode))
    execution.completed = True


async def _actor(execution: Execution, asked: QueuedImport) -> Actor:
    found = await execution.runtime.storage.everywhere.administrators.find_rights(
        asked.user_id, asked.client_id
    )
    if found is None:
        raise Forbidden("whoever asked for it administers no more")
    organization_id, permissions = found
    return Actor(
        user_id=asked.user_id,
        client_id=asked.client_id,
        organization_id=organization_id,
        permissions=permissions,
    )


async def _keep(execution: Execution, tx: Storage, report: ImportReport) -> None:
    id, keys = execution.claimed.id, execution.runtime.settings.cookie_keys
    await tx.job_results.keep(id, import_reports.seal(keys, id, report), imports.KEPT)


JOB = Job(IMPORT, run)
