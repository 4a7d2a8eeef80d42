"""Importing: at once, or by a job; what is answered is kept with what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from porta.administration import import_reports
from porta.administration.call import Answer, Call
from porta.services import imports
from porta.services.imports import MOST_AT_ONCE, Import, Mode
from porta.services.provisioning import Report

if TYPE_CHECKING:
    from storage.router import Storage


async def do(call: Call, manifest: dict[str, Any], asked: Import, mode: Mode) -> Answer:
    """Import it while the caller waits; what is long, by a job (202).

    Raises Invalid and Forbidden with every problem, and Unavailable.
    """
    assert call.caller is not None
    assert call.keep is not None
    keep, keys = call.keep, call.runtime.settings.cookie_keys
    if asked.size > MOST_AT_ONCE:
        async with call.storage.transaction() as tx:
            job_id = await imports.enqueue(
                tx, call.actor, manifest, asked, mode, owner=call.caller.key, keys=keys
            )
            answer = Answer(import_reports.coming(job_id, mode), status=202)
            await keep(tx, answer)
        return answer

    async def at_end(tx: Storage, report: Report) -> None:
        await keep(tx, Answer(import_reports.report_of(report, mode)))

    report = await imports.run(
        call.storage,
        call.actor,
        asked,
        mode,
        passwords=call.runtime.passwords,
        keys=call.runtime.settings.signing_key_encryption_keys,
        now=call.runtime.clock(),
        at_end=at_end,
    )
    return Answer(import_reports.report_of(report, mode))
