"""Jobs recur whatever happens to one run, and end with the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from porta.jobs import runner
from porta.jobs.runner import Job
from porta.runtime import Runtime
from storage.errors import Unreachable
from tests.waiting import eventually

NOBODY = cast(Runtime, None)  # these jobs look at nothing


async def _run_until(enough: Callable[[], bool], *jobs: Job) -> None:
    async def reached() -> bool:
        return enough()

    task = asyncio.create_task(runner.run(NOBODY, jobs))
    try:
        await eventually(reached)
    finally:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_job_recurs() -> None:
    runs: list[Runtime] = []

    async def work(runtime: Runtime) -> bool:
        runs.append(runtime)
        return False

    await _run_until(lambda: len(runs) > 3, Job("work", 0.01, work))


@pytest.mark.parametrize("fault", [Unreachable("away"), ValueError("a defect")])
async def test_a_failing_run_stops_neither_the_job_nor_its_neighbours(fault: Exception) -> None:
    failed, worked = [], []

    async def fail(_: Runtime) -> bool:
        failed.append(1)
        raise fault

    async def work(_: Runtime) -> bool:
        worked.append(1)
        return False

    await _run_until(
        lambda: len(failed) > 2 and len(worked) > 2,
        Job("fail", 0.01, fail),
        Job("work", 0.01, work),
    )


async def test_growth_a_job_that_is_not_done_goes_on_at_once() -> None:
    runs: list[int] = []

    async def work(_: Runtime) -> bool:
        runs.append(1)
        await asyncio.sleep(0)
        return len(runs) < 1000

    await _run_until(lambda: len(runs) >= 1000, Job("work", 0.1, work))
