"""Remove what has expired, in small batches; nothing depends on its being gone."""

from __future__ import annotations

from porta.jobs.runner import Job
from porta.runtime import Runtime

_BATCH = 500
_MOST_BATCHES = 200


async def purge(runtime: Runtime) -> None:
    """Delete expired rows until a batch is not full any more."""
    for _ in range(_MOST_BATCHES):
        if await runtime.storage.expired.purge(_BATCH) < _BATCH:
            return


JOB = Job("purge_expired", 60.0, purge)
