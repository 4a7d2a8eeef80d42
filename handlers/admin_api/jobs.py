"""Jobs: what is queued and how far it is; dead letters tried again, and what is cancelled."""

from __future__ import annotations

import hashlib
from contextlib import aclosing
from uuid import UUID

from pydantic import Field

from handlers.admin_api.lists import Listing, Paging, listing, page_of
from handlers.admin_api.route import EVENT_STREAM, Route
from porta.administration.call import (
    Answer,
    Call,
    Data,
    Event,
    Events,
    Moment,
    Nothing,
    Shown,
)
from porta.services import jobs
from porta.services.jobs import JobFilters
from porta.services.permissions import needed_by
from storage.models import jobs as stored
from storage.models.jobs import JobState


class Progress(Shown):
    """How far a job is."""

    done: int
    total: int | None
    message: str | None


class Job(Shown):
    """What is to be done later, or was; what is in it is not told."""

    id: str
    kind: str
    organization_id: str | None = Field(description="Whose turn it takes; null: the installation's")
    state: JobState
    recurs: bool
    attempts: int
    max_attempts: int | None = Field(description="Null for what recurs: it is tried for ever")
    run_at: Moment
    created_at: Moment
    done_at: Moment | None
    dead_at: Moment | None
    cancelled_at: Moment | None
    last_error: str | None
    progress: Progress | None


class JobQuery(Paging):
    """Which jobs."""

    state: JobState | None = None
    kind: str | None = Field(None, max_length=100)
    organization_id: UUID | None = None


def _shown(job: stored.Job) -> Job:
    progress = None
    if job.progress_done is not None:
        progress = Progress(
            done=job.progress_done, total=job.progress_total, message=job.progress_message
        )
    return Job(
        id=str(job.id),
        kind=job.kind,
        organization_id=job.organization_id,
        state=job.state,
        recurs=job.scheduled,
        attempts=job.attempts,
        max_attempts=None if job.scheduled else job.max_attempts,
        run_at=job.run_at,
        created_at=job.created_at,
        done_at=job.done_at,
        dead_at=job.dead_at,
        cancelled_at=job.cancelled_at,
        last_error=job.last_error,
        progress=progress,
    )


async def _list(call: Call) -> Answer:
    query = call.query_as(JobQuery)
    filters = JobFilters(state=query.state, kind=query.kind, organization_id=query.organization_id)
    page = page_of(call, query)
    found = await jobs.list(call.storage, call.actor, page, filters)
    return Answer(listing(call, query, page, found, _shown))


async def _get(call: Call) -> Answer:
    found = await jobs.get(call.storage, call.actor, call.path["jobId"])
    return Answer(Data(data=_shown(found)))


async def _events(call: Call) -> Answer:
    found = await jobs.get(call.storage, call.actor, call.path["jobId"])
    if found.ended and _version(_shown(found)) == call.last_event_id:
        return Answer()  # the client has it all, and is told not to come back (HTML §9.2.3)
    return Answer(events=_watched(call))


async def _watched(call: Call) -> Events:
    async with aclosing(jobs.watch(call.storage, call.actor, call.path["jobId"])) as states:
        async for job in states:
            shown = _shown(job)
            version = _version(shown)
            if version != call.last_event_id:
                yield Event(shown, id=version, name="job")


def _version(job: Job) -> str:
    """Return what tells one state of a job from every other."""
    return hashlib.sha256(job.model_dump_json().encode()).hexdigest()[:32]


async def _retry(call: Call) -> Answer:
    found = await jobs.retry(call.storage, call.actor, call.path["jobId"])
    return Answer(Data(data=_shown(found)))


async def _cancel(call: Call) -> Answer:
    found = await jobs.cancel(call.storage, call.actor, call.path["jobId"])
    return Answer(Data(data=_shown(found)))


ROUTES = (
    Route(
        "GET",
        "/jobs",
        "List jobs, the latest first",
        _list,
        permissions=needed_by(jobs.list),
        query=JobQuery,
        response=Listing[Job],
        delegable=True,
    ),
    Route(
        "GET",
        "/jobs/{jobId}",
        "Read a job: its state, its attempts and how far it is",
        _get,
        permissions=needed_by(jobs.get),
        response=Data[Job],
        delegable=True,
    ),
    Route(
        "GET",
        "/jobs/{jobId}/events",
        "Watch a job: an event whenever it changes, until it has ended",
        _events,
        permissions=needed_by(jobs.get),
        response=Job,
        also=(204,),
        media_type=EVENT_STREAM,
        delegable=True,
    ),
    Route(
        "POST",
        "/jobs/{jobId}/retry",
        "Try a dead letter again, or at once what waits",
        _retry,
        permissions=needed_by(jobs.retry),
        request=Nothing,
        response=Data[Job],
        delegable=True,
        optional_body=True,
    ),
    Route(
        "POST",
        "/jobs/{jobId}/cancel",
        "Have a job done no more; one that runs commits nothing from then on",
        _cancel,
        permissions=needed_by(jobs.cancel),
        request=Nothing,
        response=Data[Job],
        delegable=True,
        optional_body=True,
    ),
)
