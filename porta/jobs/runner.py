"""Job scheduler: runs the table JOBS, each at its interval, until told to stop."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from porta.runtime import Runtime
from storage.errors import StorageError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Work that recurs. It is idempotent: every instance runs it, perhaps at the same time."""

    name: str
    interval: float
    """Seconds between the end of one run and the start of the next."""
    run: Callable[[Runtime], Awaitable[bool]]
    """Tells whether there is more to be done: the next run then starts at once."""


async def run(runtime: Runtime, jobs: Iterable[Job]) -> None:
    """Run `jobs` until cancelled; a run that fails is logged, and the next one comes as ever."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_repeat(runtime, job))


async def _repeat(runtime: Runtime, job: Job) -> None:
    while True:
        # Scattered, so that instances started together do not all come at once.
        await asyncio.sleep(job.interval * random.uniform(0.5, 1.5))  # noqa: S311
        try:
            while await job.run(runtime):
                pass
        except StorageError as error:
            _LOG.warning("job.failed", extra={"job": job.name, "error": str(error)})
        except Exception:
            _LOG.exception("job.failed", extra={"job": job.name})
