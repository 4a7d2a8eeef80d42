"""Jobs: what is to be done later, as it is enqueued, claimed and told of."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class JobState(StrEnum):
    """Where a job stands."""

    READY = "ready"
    """A worker may take it."""
    WAITING = "waiting"
    """Its time is to come: the first, or that of another attempt."""
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    """A dead letter: it failed for good, and is kept until somebody has it tried again."""
    CANCELLED = "cancelled"
    """Somebody wants it done no more; it is kept as long, and may be tried again after all."""


class NewJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job before it is stored. `payload` is JSON."""

    kind: str
    payload: str
    organization_id: str | None = None
    run_at: float | None = None
    """Seconds since the epoch; None is at once."""
    priority: int = 0
    """Smaller is sooner, within one organization."""
    max_attempts: int = 10


class ClaimedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that a worker holds for as long as its lease lasts."""

    id: int
    kind: str
    payload: str
    organization_id: str | None
    attempts: int
    """This one included."""
    max_attempts: int
    scheduled: bool
    lease: str
    """The fencing token: whoever claims the job next has another, and this one is worth nothing."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as people are told of it. Times are seconds since the epoch."""

    id: int
    kind: str
    organization_id: str | None
    state: JobState
    attempts: int
    max_attempts: int
    scheduled: bool
    """Whether it recurs."""
    priority: int
    run_at: float
    created_at: float
    done_at: float | None
    dead_at: float | None
    cancelled_at: float | None
    last_error: str | None
    progress_done: int | None
    progress_total: int | None
    progress_message: str | None

    @property
    def ended(self) -> bool:
        """Whether nothing more becomes of it by itself."""
        return self.state in (JobState.DONE, JobState.DEAD, JobState.CANCELLED)


class Due(msgspec.Struct, frozen=True):
    """What a look at the queue found."""

    ready: bool
    """Whether there is a job to be claimed."""
    next: float | None
    """Seconds until the next one becomes ready by itself; None when there is none."""
