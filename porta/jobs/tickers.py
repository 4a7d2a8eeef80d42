"""Tickers: what every process does for itself at intervals, until told to stop."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from porta.runtime import Runtime
from storage.errors import StorageError

_LOG = logging.getLogger(__name__)
_JITTER = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Ticker:
    """Work that recurs in each process, because its result stays there.

    What is to be done once for the whole installation is a job.
    """

    name: str
    interval: float
    """Seconds between the end of one run and the start of the next."""
    run: Callable[[Runtime], Awaitable[object]]


async def run(runtime: Runtime, tickers: Iterable[Ticker]) -> None:
    """Run `tickers` until cancelled; a run that fails is logged, and the next one comes as ever."""
    async with asyncio.TaskGroup() as group:
        for ticker in tickers:
            group.create_task(_repeat(runtime, ticker))


async def _repeat(runtime: Runtime, ticker: Ticker) -> None:
    while True:
        # Scattered, so that instances started together do not all come at once.
        await asyncio.sleep(ticker.interval * _JITTER.uniform(0.5, 1.5))
        try:
            await ticker.run(runtime)
        except StorageError as error:
            _LOG.warning("ticker.failed", extra={"ticker": ticker.name, "error": str(error)})
        except Exception:
            _LOG.exception("ticker.failed", extra={"ticker": ticker.name})
