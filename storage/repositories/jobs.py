"""Job queue: claimed with SKIP LOCKED, held by leases, dead-lettered; time is PostgreSQL's."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import msgspec

from storage.models.jobs import ClaimedJob, Due, Job, JobState, NewJob
from storage.models.pages import Listed, Page
from storage.postgres.statement import Executor, Row
from storage.repositories import job_sql
from storage.repositories.pagination import Selection, Sort, select_page

ANYBODY = str(uuid.UUID(int=0))
"""The queue of the installation, and the turn that begins at the first of all."""
NOBODY = str(uuid.UUID(int=2**128 - 1))
"""A queue that there is not."""
# Numbers are given in the order of creation, and the primary key is in theirs.
SORTS = {"created_at": Sort("id", value="%(cursor_value)s::bigint")}


class Jobs:
    """The table `jobs`, as those see it who enqueue jobs and who work."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def enqueue(self, job: NewJob, *, most: int) -> int | None:
        """Store a job and return its id; None where its organization has `most` pending already.

        Workers hear of it when the transaction is committed.
        """
        row = await self._pg.fetchrow(
            job_sql.ENQUEUE, msgspec.structs.asdict(job) | {"most": most, "anybody": ANYBODY}
        )
        return int(row[0]) if row else None

    async def has_room(self, organization_id: str | None, *, most: int) -> bool:
        """Tell whether `enqueue` would store a job of this organization, and store none."""
        row = await self._pg.fetchrow(
            job_sql.HAS_ROOM,
            {"organization_id": organization_id, "most": most, "anybody": ANYBODY},
        )
        return row is not None and bool(row[0])

    async def schedule(self, intervals: Mapping[str, float]) -> None:
        """See to it that each kind of job that recurs, every so many seconds, stands once."""
        await self._pg.execute(
            job_sql.SCHEDULE, {"kinds": list(intervals), "seconds": list(intervals.values())}
        )

    async def hasten(self, schedule: str) -> bool:
        """Have what recurs run at once; False where it runs, or is ready to."""
        return await self._pg.fetchrow(job_sql.HASTEN, {"schedule": schedule}) is not None

    async def wake(self, kinds: Sequence[str]) -> Due:
        """Make ready whose time has come, and what dead workers left; tell what there is to do.

        What a lost worker had at its last attempt becomes a dead letter.
        """
        row = await self._pg.fetchrow(job_sql.WAKE, {"kinds": list(kinds)})
        assert row is not None, "an aggregate has a row"
        ready, seconds = row
        return Due(ready, None if seconds is None else max(float(seconds), 0.0))

    async def claim(
        self, kinds: Sequence[str], *, lease: float, after: str = ANYBODY, full: str = NOBODY
    ) -> ClaimedJob | None:
        """Take the first job of the queue whose turn comes next after `after`, for `lease` seconds.

        `full` is a queue that is passed over. None where no job of `kinds` is ready.
        """
        token = str(uuid.uuid4())
        row = await self._pg.fetchrow(
            job_sql.CLAIM,
            {"kinds": list(kinds), "seconds": lease, "lease": token, "after": after, "full": full},
        )
        if row is None:
            return None
        fields = zip(job_sql.CLAIMED, row, strict=True)
        return ClaimedJob(lease=token, **dict(fields))

    async def extend(self, leases: Mapping[int, str], seconds: float) -> set[int]:
        """Extend leases, each named by the id of its job; return the ids of those that hold."""
        rows = await self._pg.fetch(
            job_sql.EXTEND,
            {"ids": list(leases), "leases": list(leases.values()), "seconds": seconds},
        )
        return {int(id) for (id,) in rows}

    async def complete(self, id: int, lease: str) -> bool:
        """Note that a job is done, and forget its payload; False where its lease is lost.

        In the transaction of its effect: then both happen, or neither.
        """
        return await self._change(job_sql.COMPLETE, id, lease)

    async def again(self, id: int, lease: str, seconds: float) -> bool:
        """Have a job that recurs run in `seconds` again; False where its lease is lost."""
        return await self._change(job_sql.AGAIN, id, lease, seconds=seconds)

    async def retry_later(self, id: int, lease: str, seconds: float, error: str) -> bool:
        """Have a job that failed tried again in `seconds`; False where its lease is lost."""
        return await self._change(job_sql.RETRY_LATER, id, lease, seconds=seconds, error=error)

    async def bury(self, id: int, lease: str, error: str) -> bool:
        """Make a job a dead letter; False where its lease is lost."""
        return await self._change(job_sql.BURY, id, lease, error=error)

    async def release(self, leases: Mapping[int, str]) -> None:
        """Give jobs back that were begun and not finished: the attempt does not count."""
        await self._pg.execute(
            job_sql.RELEASE, {"ids": list(leases), "leases": list(leases.values())}
        )

    async def progress(
        self, id: int, lease: str, done: int, total: int | None, message: str | None
    ) -> bool:
        """Note how far a job is; False where its lease is lost."""
        return await self._change(
            job_sql.PROGRESS, id, lease, done=done, total=total, message=message
        )

    async def find(self, id: int) -> Job | None:
        """Return a job, whatever became of it."""
        row = await self._pg.fetchrow(
            f"SELECT {job_sql.TOLD} FROM jobs WHERE id = %(id)s",  # noqa: S608
            {"id": id},
        )
        return _job(row) if row else None

    async def list_page(
        self,
        page: Page,
        *,
        organization_id: str | None = None,
        state: JobState | None = None,
        kind: str | None = None,
    ) -> Listed[Job]:
        """Return a page of jobs, by the moment of their creation."""
        selection = Selection(job_sql.TOLD, "jobs", SORTS, id_type="bigint")
        if organization_id is not None:
            selection.where(
                "organization_id = %(organization)s::uuid", organization=organization_id
            )
        if state is not None:
            selection.where(job_sql.STATES[state])
        if kind is not None:
            selection.where("kind = %(kind)s", kind=kind)
        return await select_page(self._pg, selection, page, _job)

    async def revive(self, id: int) -> bool:
        """Have a dead letter, or what waits, tried at once, as if it never had been; tell whether
        it was one of these.
        """
        return await self._pg.fetchrow(job_sql.REVIVE, {"id": id}) is not None

    async def cancel(self, id: int) -> bool:
        """End a job that is not done, whoever works on it: its lease is lost. Tell whether it was
        such a one, and none that recurs.
        """
        return await self._pg.fetchrow(job_sql.CANCEL, {"id": id}) is not None

    async def _change(self, sql: str, id: int, lease: str, **values: object) -> bool:
        return await self._pg.fetchrow(sql, {"id": id, "lease": lease, **values}) is not None


def _job(row: Row) -> Job:
    fields = dict(zip(Job.__struct_fields__, row, strict=True))
    return Job(**fields | {"state": JobState(fields["state"])})
