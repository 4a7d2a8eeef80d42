"""Jobs as administrators see them: listed, found, tried again, watched; within their border."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict, Forbidden, Invalid, NotFound
from porta.services import jobs
from porta.services.jobs import JobFilters
from storage.models.jobs import Job, JobState, NewJob
from storage.models.pages import Page
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.world.rows import build_world

_STATES = {
    JobState.READY: "ready = TRUE",
    JobState.WAITING: "run_at = now() + interval '1 hour', ready = FALSE",
    JobState.RUNNING: "ready = FALSE, lease = gen_random_uuid(), locked_until = now()",
    JobState.DONE: "ready = FALSE, done_at = now()",
    JobState.DEAD: "ready = FALSE, dead_at = now(), attempts = 10, last_error = 'no'",
    JobState.CANCELLED: "ready = FALSE, dead_at = now(), cancelled_at = now()",
}


@pytest_asyncio.fixture
async def storage(database_url: str, pg: Postgres) -> AsyncIterator[Storage]:
    opened = await Storage.open(database_url, pool_size=3)
    yield opened.everywhere
    await opened.close()
    await pg.execute("DELETE FROM jobs")


async def _put(
    storage: Storage,
    pg: Postgres,
    state: JobState = JobState.READY,
    organization_id: str | None = None,
) -> str:
    new = NewJob(kind="k", payload='{"secret": 1}', organization_id=organization_id)
    id = await storage.jobs.enqueue(new, most=1000)
    await pg.execute(f"UPDATE jobs SET {_STATES[state]} WHERE id = %(id)s", {"id": id})
    return str(id)


async def _listed(
    storage: Storage, actor: Actor = SYSTEM, page: Page | None = None, **filters: object
) -> list[str]:
    wanted = JobFilters.parse(filters)
    found = await jobs.list(storage, actor, page or Page(), wanted)
    return [str(job.id) for job in found.rows]


@pytest.mark.parametrize("state", JobState)
async def test_the_state_is_told_and_listed_by(
    storage: Storage, pg: Postgres, state: JobState
) -> None:
    ids = {each: await _put(storage, pg, each) for each in JobState}
    assert (await jobs.get(storage, SYSTEM, ids[state])).state is state
    assert await _listed(storage, state=state) == [ids[state]]
    assert await _listed(storage, kind="k") == sorted(ids.values(), key=int, reverse=True)
    assert await _listed(storage, kind="other") == []


async def test_pages_neither_repeat_nor_skip(storage: Storage, pg: Postgres) -> None:
    ids = [await _put(storage, pg) for _ in range(7)]
    found: list[str] = []
    page = Page(limit=3)
    while True:
        listed = await jobs.list(storage, SYSTEM, page, JobFilters())
        found += [str(job.id) for job in listed.rows]
        await _put(storage, pg)
        if listed.next is None:
            break
        page = Page(limit=3, cursor=listed.next)
    assert found == ids[::-1]
    for wrong in (Page(limit=0), Page(limit=101), Page(sort="payload")):
        with pytest.raises(Invalid):
            await jobs.list(storage, SYSTEM, wrong, JobFilters())


@pytest.mark.parametrize("state", JobState)
async def test_only_what_has_failed_or_waits_is_tried_again(
    storage: Storage, pg: Postgres, state: JobState
) -> None:
    id = await _put(storage, pg, state)
    if state not in (JobState.DEAD, JobState.CANCELLED, JobState.WAITING):
        with pytest.raises(Conflict, match=state):
            await jobs.retry(storage, SYSTEM, id)
        return
    async with storage.transaction() as tx:
        job = await jobs.retry(tx, SYSTEM, id)
    assert (job.state, job.attempts, job.dead_at) == (JobState.READY, 0, None)
    assert await storage.jobs.claim(["k"], lease=1.0) is not None
    told = await pg.fetch("SELECT metadata ->> 'job' FROM audit_log WHERE event_type='job.retried'")
    assert (id,) in told


@pytest.mark.parametrize("state", JobState)
async def test_whatever_is_not_done_is_cancelled_once(
    storage: Storage, pg: Postgres, state: JobState
) -> None:
    id = await _put(storage, pg, state)
    if state in (JobState.DONE, JobState.CANCELLED):
        with pytest.raises(Conflict, match="already"):
            await jobs.cancel(storage, SYSTEM, id)
        assert (await jobs.get(storage, SYSTEM, id)).state is state
        return
    async with storage.transaction() as tx:
        job = await jobs.cancel(tx, SYSTEM, id)
    assert (job.state, job.dead_at, job.ended) == (JobState.CANCELLED, None, True)
    assert job.cancelled_at is not None
    assert await storage.jobs.claim(["k"], lease=1.0) is None
    await storage.jobs.wake(["k"])
    assert await storage.jobs.claim(["k"], lease=1.0) is None
    told = await pg.fetch(
        "SELECT metadata ->> 'state' FROM audit_log"
        " WHERE event_type = 'job.cancelled' AND metadata ->> 'job' = %(id)s",
        {"id": id},
    )
    assert told == [(state,)]
    async with storage.transaction() as tx:
        again = await jobs.retry(tx, SYSTEM, id)
    assert (again.state, again.cancelled_at) == (JobState.READY, None)


async def test_what_recurs_is_not_cancelled(storage: Storage) -> None:
    await storage.jobs.schedule({"purge_expired": 60.0})
    (job,) = (await jobs.list(storage, SYSTEM, Page(), JobFilters())).rows
    with pytest.raises(Conflict, match="recurs"):
        await jobs.cancel(storage, SYSTEM, str(job.id))
    assert not await storage.jobs.cancel(job.id)


async def test_of_who_cancels_and_who_completes_one_is_told_that_it_was_late(
    storage: Storage, pg: Postgres
) -> None:
    id = int(await _put(storage, pg))
    claimed = await storage.jobs.claim(["k"], lease=60.0)
    assert claimed is not None
    async with storage.transaction() as tx:
        assert await tx.jobs.complete(id, claimed.lease)
        cancelling = asyncio.create_task(storage.jobs.cancel(id))
        await asyncio.sleep(0.1)
        assert not cancelling.done(), "it waits for what becomes of the job"
    assert not await cancelling
    assert (await jobs.get(storage, SYSTEM, str(id))).state is JobState.DONE


@pytest.mark.parametrize(
    "target", ["", "0", "-1", "1e3", "٣", "9" * 18, "9" * 19, "9" * 40, "1 OR 1=1", "x", "1\0"]
)
async def test_what_is_no_number_of_a_job_is_unknown(storage: Storage, target: str) -> None:
    for operation in (jobs.get, jobs.retry, jobs.cancel):
        with pytest.raises(NotFound):
            await operation(storage, SYSTEM, target)


async def test_a_delegated_administrator_sees_jobs_of_one_organization_only(
    storage: Storage, pg: Postgres
) -> None:
    own, other = [(await build_world(pg)).organization.id for _ in range(2)]
    mine = await _put(storage, pg, JobState.DEAD, own)
    theirs = await _put(storage, pg, JobState.DEAD, other)
    nobodys = await _put(storage, pg, JobState.DEAD)
    rights = frozenset({"admin:audit:read", "admin:config:update"})
    delegate = Actor(user_id=str(uuid4()), permissions=rights, organization_id=own)
    assert await _listed(storage, delegate) == [mine]
    assert await _listed(storage, delegate, organizationId=other) == []
    assert (await jobs.get(storage, delegate, mine)).organization_id == own
    for hidden in (theirs, nobodys, "999999"):
        for operation in (jobs.get, jobs.retry, jobs.cancel):
            with pytest.raises(NotFound, match="Job not found"):
                await operation(storage, delegate, hidden)
        with pytest.raises(NotFound):
            await anext(jobs.watch(storage, delegate, hidden))
    assert (await jobs.get(storage, SYSTEM, theirs)).state is JobState.DEAD


async def test_who_lacks_the_permission_is_refused(storage: Storage, pg: Postgres) -> None:
    id = await _put(storage, pg, JobState.DEAD)
    reader = Actor(permissions=frozenset({"admin:audit:read"}))
    await jobs.get(storage, reader, id)
    with pytest.raises(Forbidden):
        await jobs.retry(storage, reader, id)
    with pytest.raises(Forbidden):
        await _listed(storage, Actor(permissions=frozenset({"admin:org:read"})))


async def test_a_watched_job_is_told_as_it_goes_on_and_ends(storage: Storage, pg: Postgres) -> None:
    id = await _put(storage, pg)
    seen: list[Job] = []
    looked = asyncio.Event()

    async def watch() -> None:
        async for job in jobs.watch(storage, SYSTEM, id):
            seen.append(job)
            looked.set()

    watching = asyncio.create_task(watch())
    try:
        await looked.wait()
        claimed = await storage.jobs.claim(["k"], lease=60.0)
        assert claimed is not None
        for step in (10, 20):
            looked.clear()
            assert await storage.jobs.progress(claimed.id, claimed.lease, step, 20, "rows")
            await asyncio.wait_for(looked.wait(), 20)
        assert await storage.jobs.complete(claimed.id, claimed.lease)
        await asyncio.wait_for(watching, 20)
    finally:
        watching.cancel()
    told = [(job.state, job.progress_done) for job in seen if job.progress_done != 0]
    assert told[0] == (JobState.READY, None)
    assert (JobState.RUNNING, 10) in told
    assert told[-1] == (JobState.DONE, 20)


async def test_who_stops_watching_leaves_nothing_behind(storage: Storage, pg: Postgres) -> None:
    id = await _put(storage, pg)
    before = len(storage._databases.on_change)
    watching = jobs.watch(storage, SYSTEM, id)
    await anext(watching)
    assert len(storage._databases.on_change) == before + 1
    await watching.aclose()
    assert len(storage._databases.on_change) == before
