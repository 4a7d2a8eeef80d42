"""Attempt at a job: success, another attempt after an exponential back-off, or a dead letter."""

from __future__ import annotations

import logging
import random

import msgspec

from porta.jobs.job import Execution, JobDeferred, JobFailed, LeaseLost
from storage.errors import StorageError

_LOG = logging.getLogger(__name__)
_JITTER = random.SystemRandom()
FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 600.0
"""Seconds until the second attempt, doubled for each that follows, up to the longest."""
_LONGEST_ERROR = 500


async def attempt(execution: Execution) -> None:
    """Make one attempt, and note in the queue what became of it. Raises nothing but cancellation.

    Where it cannot be noted, the lease runs out, and the job is tried again.
    """
    try:
        await _run(execution)
    except LeaseLost:
        _tell(execution, "job.lease_lost", logging.WARNING)
    except StorageError as error:
        _tell(execution, "job.unsettled", logging.WARNING, str(error))


async def _run(execution: Execution) -> None:
    try:
        await execution.job.run(execution)
        if not execution.completed:
            await execution.complete(execution.runtime.storage.everywhere)
    except LeaseLost:
        raise
    except (JobFailed, msgspec.DecodeError) as error:
        await _bury(execution, _words(error))
    except (StorageError, JobDeferred) as error:
        await _fail(execution, _words(error))
    except Exception as error:
        _LOG.exception("job.broken", extra=_about(execution))
        await _fail(execution, type(error).__name__)


def backoff(attempts: int) -> float:
    """Return the seconds until the next attempt, after so many; scattered, so that what failed
    together does not come back together.
    """
    doubled = FIRST_BACKOFF * 2.0 ** min(attempts - 1, 30)
    return float(min(doubled * _JITTER.uniform(1.0, 1.5), LONGEST_BACKOFF))


async def _fail(execution: Execution, error: str) -> None:
    job = execution.claimed
    if not job.scheduled and job.attempts >= job.max_attempts:
        await _bury(execution, error)
        return
    pause = min(backoff(job.attempts), execution.job.every or LONGEST_BACKOFF)
    jobs = execution.runtime.storage.everywhere.jobs
    if not await jobs.retry_later(job.id, job.lease, pause, error):
        raise LeaseLost
    _tell(execution, "job.failed", logging.WARNING, error)


async def _bury(execution: Execution, error: str) -> None:
    job, jobs = execution.claimed, execution.runtime.storage.everywhere.jobs
    if job.scheduled:
        # Nobody would have it tried again: the next version may do better, or the next minute.
        await jobs.retry_later(job.id, job.lease, LONGEST_BACKOFF, error)
    elif not await jobs.bury(job.id, job.lease, error):
        raise LeaseLost
    _tell(execution, "job.dead", logging.ERROR, error)


def _words(error: Exception) -> str:
    """Return what people are told; an error of ours holds no secret."""
    return " ".join(str(error).split())[:_LONGEST_ERROR] or type(error).__name__


def _tell(execution: Execution, event: str, level: int, error: str | None = None) -> None:
    more = {"error": error} if error else {}
    _LOG.log(level, event, extra=_about(execution) | more)


def _about(execution: Execution) -> dict[str, object]:
    job = execution.claimed
    return {"job": job.kind, "job_id": job.id, "attempt": job.attempts}
