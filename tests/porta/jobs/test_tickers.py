"""Tickers recur whatever happens to one run, and end with the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from porta.jobs import tickers
from porta.jobs.tickers import Ticker
from porta.runtime import Runtime
from storage.errors import Unreachable
from tests.world.waiting import eventually

NOBODY = cast(Runtime, None)  # these look at nothing


async def _run_until(enough: Callable[[], bool], *wanted: Ticker) -> None:
    async def reached() -> bool:
        return enough()

    task = asyncio.create_task(tickers.run(NOBODY, wanted))
    try:
        await eventually(reached)
    finally:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_ticker_recurs() -> None:
    runs: list[Runtime] = []

    async def work(runtime: Runtime) -> None:
        runs.append(runtime)

    await _run_until(lambda: len(runs) > 3, Ticker("work", 0.01, work))


@pytest.mark.parametrize("fault", [Unreachable("away"), ValueError("a defect")])
async def test_a_failing_run_stops_neither_the_ticker_nor_its_neighbours(fault: Exception) -> None:
    failed, worked = [], []

    async def fail(_: Runtime) -> None:
        failed.append(1)
        raise fault

    async def work(_: Runtime) -> None:
        worked.append(1)

    await _run_until(
        lambda: len(failed) > 2 and len(worked) > 2,
        Ticker("fail", 0.01, fail),
        Ticker("work", 0.01, work),
    )
