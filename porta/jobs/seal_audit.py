"""Job: seal what was written into the audit trail, and send its checkpoints where they are kept."""

from __future__ import annotations

from porta.jobs import anchor_audit
from porta.jobs.job import Execution, Job
from porta.jobs.tickers import Ticker
from porta.outbox.queue import Kind, Nothing
from porta.runtime import Runtime
from porta.services import audit_sealing

_BUSY = 1.0
"""Seconds until it looks again after there was something."""
_SELDOM = 0.5
"""Seconds between two times that a process wakes it."""
_KIND = "seal_audit"


async def run(execution: Execution) -> None:
    """Seal until nothing waits."""
    runtime = execution.runtime
    if not await audit_sealing.is_due(runtime.storage.everywhere):
        return
    done = 0
    waiting = True
    while waiting:
        sealed = await audit_sealing.seal(runtime.storage.everywhere, runtime.audit_keys)
        if (made := sealed.checkpoint) is not None:
            await anchor_audit.enqueue_each(
                runtime.storage.everywhere, runtime.settings, made.number
            )
        waiting = sealed.entries > 0
        done += sealed.entries
        await execution.progress(done)
    execution.again_in = _BUSY


async def wake(runtime: Runtime) -> None:
    """Have it run as soon as this process has written an entry; idle, nothing is said."""
    storage = runtime.storage.everywhere
    await storage.recorded.wait()
    storage.recorded.clear()
    hastened = False
    try:
        hastened = await storage.jobs.hasten(_KIND)
    finally:
        if not hastened:  # it is at work, perhaps past what was written; or nobody was told
            storage.recorded.set()


JOB = Job(Kind(_KIND, Nothing), run, every=60.0)
TICKER = Ticker("wake_audit_sealing", _SELDOM, wake)
