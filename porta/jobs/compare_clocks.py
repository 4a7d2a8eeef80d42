"""Job: compare this process's clock with PostgreSQL's, once a minute (requirement K.14)."""

from __future__ import annotations

from porta.jobs.runner import Job
from porta.observability import clock_skew
from porta.runtime import Runtime


async def compare(runtime: Runtime) -> bool:
    """Measure the skew; there is never more to be done."""
    await clock_skew.measure(runtime)
    return False


JOB = Job("compare_clocks", 40.0, compare)
