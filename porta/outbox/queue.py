"""Job queue, as a transaction sees it: kinds of jobs, and the one way to enqueue one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from porta.errors import Unavailable
from storage.models.jobs import NewJob

if TYPE_CHECKING:
    from storage.router import Storage

MOST_PENDING = 100_000
"""Jobs of one organization that may wait at a time; further ones are refused. They are counted
without a lock: transactions at the same time do not see each other's (decisions/0054).
"""
P = TypeVar("P", bound=msgspec.Struct, covariant=True)


class Nothing(msgspec.Struct, frozen=True):
    """The payload of a job that needs none."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[P]):
    """A kind of job: its name, the record that says what to do, and how often it is tried.

    What waits in the queue was written by another version, perhaps: a field is added with a
    default, and never given another meaning.
    """

    name: str
    payload: type[P]
    max_attempts: int = 10

    def decode(self, payload: str) -> P:
        """Return the record. Raises msgspec.ValidationError for what is none of this kind."""
        return msgspec.json.decode(payload, type=self.payload)


async def enqueue(
    tx: Storage,
    kind: Kind[P],
    payload: msgspec.Struct,
    *,
    organization_id: str | None = None,
    run_at: float | None = None,
    priority: int = 0,
) -> int:
    """Enqueue a job in the transaction `tx`: it is there when that is committed, or never was.

    `run_at` is in seconds since the epoch; None is at once. `organization_id` is whose turn it
    takes; None is the installation's. A smaller `priority` goes first, within one organization.
    Returns the id of the job. Raises Unavailable where MOST_PENDING wait already.
    """
    assert isinstance(payload, kind.payload), f"{kind.name} takes a {kind.payload.__name__}"
    job = NewJob(
        kind=kind.name,
        payload=msgspec.json.encode(payload).decode(),
        organization_id=organization_id,
        run_at=run_at,
        priority=priority,
        max_attempts=kind.max_attempts,
    )
    id = await tx.jobs.enqueue(job, most=MOST_PENDING)
    if id is None:
        raise _full()
    return id


async def check_room(tx: Storage, organization_id: str | None) -> None:
    """Raise Unavailable where `enqueue` would, for who has nothing to enqueue, and must not be told
    by that.
    """
    if not await tx.jobs.has_room(organization_id, most=MOST_PENDING):
        raise _full()


def _full() -> Unavailable:
    return Unavailable("too many jobs wait already", retry_after=60, reason="queue_full")
