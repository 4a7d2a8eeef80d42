"""A clock that is wrong is noticed (faults F10, K.14)."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from porta.jobs import TICKERS, compare_clocks
from porta.observability import clock_skew
from porta.runtime import Runtime
from porta.services import startup
from tests.world.served import settings_for

AT_ONCE = 1.0  # seconds: what the machine takes between two readings is no skew


@pytest_asyncio.fixture
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    opened = await Runtime.open(settings_for(database_url, None))
    yield opened
    await opened.close()


def _told(caplog: pytest.LogCaptureFixture) -> list[tuple[int, float]]:
    return [
        (record.levelno, record.__dict__["seconds"])
        for record in caplog.records
        if record.message == "clock.skewed"
    ]


@pytest.mark.parametrize("seconds", [90.0, -90.0, 3600.0, -86_400.0, 62.0, -62.0])
async def test_faults_F10_a_clock_that_is_a_minute_off_is_an_error(
    runtime: Runtime, caplog: pytest.LogCaptureFixture, seconds: float
) -> None:
    runtime.clock = lambda: time.time() + seconds
    assert await clock_skew.measure(runtime) == pytest.approx(seconds, abs=AT_ONCE)
    assert not clock_skew.is_tolerable(runtime)
    ((level, told),) = _told(caplog)
    assert level == logging.ERROR
    assert told == pytest.approx(seconds, abs=AT_ONCE)


@pytest.mark.parametrize("seconds", [10.0, -10.0, 50.0, -50.0])
async def test_faults_F10_seconds_are_told_and_tolerated(
    runtime: Runtime, caplog: pytest.LogCaptureFixture, seconds: float
) -> None:
    runtime.clock = lambda: time.time() + seconds
    await clock_skew.measure(runtime)
    assert clock_skew.is_tolerable(runtime)
    assert [level for level, _ in _told(caplog)] == [logging.WARNING]


@pytest.mark.parametrize("seconds", [0.0, 3.0, -3.0])
async def test_faults_F10_a_little_is_not_worth_a_line(
    runtime: Runtime, caplog: pytest.LogCaptureFixture, seconds: float
) -> None:
    runtime.clock = lambda: time.time() + seconds
    assert await clock_skew.measure(runtime) == pytest.approx(seconds, abs=AT_ONCE)
    assert not _told(caplog)


@pytest.mark.parametrize("waited", [(-100.0, 0.0), (0.0, 100.0), (-100.0, 100.0)])
async def test_faults_F10_an_answer_that_takes_long_is_no_skew(
    runtime: Runtime, waited: tuple[float, float]
) -> None:
    readings = iter(waited)
    runtime.clock = lambda: time.time() + next(readings)
    assert abs(await clock_skew.measure(runtime)) < AT_ONCE
    assert clock_skew.is_tolerable(runtime)


async def test_faults_F10_it_is_compared_at_the_start_and_by_a_job(
    fresh_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = await Runtime.open(settings_for(fresh_database_url, None))
    runtime.clock = lambda: time.time() + 90
    await startup.prepare(runtime)
    assert not clock_skew.is_tolerable(runtime)
    assert compare_clocks.TICKER in TICKERS
    assert compare_clocks.TICKER.interval * 1.5 <= 60, "intervals are scattered by a half"
    runtime.clock = time.time
    await compare_clocks.TICKER.run(runtime)
    assert clock_skew.is_tolerable(runtime)
    await runtime.close()
