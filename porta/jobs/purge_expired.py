"""Job: purge expired rows, in small batches; nothing depends on their being gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from porta.config.system import build_config
from porta.jobs.job import Execution, Job
from porta.outbox.queue import Kind, Nothing
from porta.runtime import Runtime
from porta.services import audit_trail

_BATCH = 500
_MOST_BATCHES = 200


async def run(execution: Execution) -> None:
    """Purge until nothing is left that has expired."""
    rounds = 0
    while await purge(execution.runtime):
        rounds += 1
        await execution.progress(rounds)


async def purge(runtime: Runtime) -> bool:
    """Delete expired rows, and the entries of the audit log that are older than configured.

    Tells whether some are left: each kind has its turn.
    """
    storage = runtime.storage.everywhere
    left = await _in_batches(storage.expired.purge)
    # Not the snapshot: who asks for that keeps the listener awake (idle budget).
    days = build_config(await runtime.storage.system_config.all()).audit_log_retention_days
    if days > 0:
        shorten = partial(audit_trail.shorten, storage, runtime.audit_keys, days)
        left |= await _in_batches(shorten)
    return left


async def _in_batches(delete: Callable[[int], Awaitable[int]]) -> bool:
    """Go on until a batch is not full any more; tell whether there were too many of them."""
    for _ in range(_MOST_BATCHES):
        if await delete(_BATCH) < _BATCH:
            return False
    return True


JOB = Job(Kind("purge_expired", Nothing), run, every=120.0)
