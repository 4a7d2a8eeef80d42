"""The queue in PostgreSQL: claimed once, fenced by leases, fair between organizations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from storage.models.jobs import ClaimedJob, NewJob
from storage.postgres.driver import Postgres
from storage.repositories.jobs import ANYBODY, NOBODY, Jobs
from tests.world.rows import build_world

KINDS = ("k",)


@pytest_asyncio.fixture
async def jobs(pg: Postgres) -> AsyncIterator[Jobs]:
    yield Jobs(pg)
    await pg.execute("DELETE FROM jobs")


async def _put(jobs: Jobs, *, most: int = 1000, **fields: Any) -> int:
    id = await jobs.enqueue(NewJob(**{"kind": "k", "payload": "{}", **fields}), most=most)
    assert id is not None
    return id


async def _claim(jobs: Jobs, **more: Any) -> ClaimedJob:
    claimed = await jobs.claim(KINDS, **{"lease": 60.0, **more})
    assert claimed is not None
    return claimed


async def test_a_job_is_claimed_once(jobs: Jobs) -> None:
    id = await _put(jobs, payload='{"n": 1}', max_attempts=4)
    first = await _claim(jobs)
    assert (first.id, first.payload, first.attempts, first.max_attempts) == (id, '{"n": 1}', 1, 4)
    assert first.organization_id is None
    assert not first.scheduled
    assert await jobs.claim(KINDS, lease=60.0) is None


async def test_many_who_claim_at_once_share_without_a_job_twice(jobs: Jobs) -> None:
    ids = {await _put(jobs) for _ in range(40)}
    claimed = await asyncio.gather(*(jobs.claim(KINDS, lease=60.0) for _ in range(60)))
    assert sorted(job.id for job in claimed if job) == sorted(ids)


async def test_only_known_kinds_are_claimed(jobs: Jobs) -> None:
    """While versions serve side by side, the older one leaves alone what it does not know."""
    await _put(jobs, kind="of a later version")
    assert await jobs.claim(KINDS, lease=60.0) is None
    due = await jobs.wake(KINDS)
    assert (due.ready, due.next) == (False, None)


async def test_a_later_job_waits_for_its_time_by_the_clock_of_the_database(
    jobs: Jobs, pg: Postgres
) -> None:
    ((now,),) = await pg.fetch("SELECT EXTRACT(EPOCH FROM now())::float8")
    await _put(jobs, run_at=now + 3600)
    due = await jobs.wake(KINDS)
    assert not due.ready
    assert due.next == pytest.approx(3600, abs=60)
    await pg.execute("UPDATE jobs SET run_at = now()")
    assert (await jobs.wake(KINDS)).ready
    await _claim(jobs)


async def test_smaller_priorities_go_first_then_the_older(jobs: Jobs) -> None:
    wanted = {}
    for name, priority in (("third", 5), ("first", -1), ("second", 0), ("fourth", 5)):
        wanted[name] = await _put(jobs, priority=priority)
    claimed = [(await _claim(jobs)).id for _ in range(4)]
    assert claimed == [wanted[name] for name in ("first", "second", "third", "fourth")]


async def test_each_organization_has_its_turn(jobs: Jobs, pg: Postgres) -> None:
    many, few, other = [(await build_world(pg)).organization.id for _ in range(3)]
    for organization_id, count in ((many, 50), (few, 2), (other, 1), (None, 1)):
        for _ in range(count):
            await _put(jobs, organization_id=organization_id)
    after, turns = ANYBODY, []
    for _ in range(8):
        claimed = await _claim(jobs, after=after)
        turns.append(claimed.organization_id)
        after = claimed.organization_id or ANYBODY
    assert sorted(turns[:4], key=str) == sorted([many, few, other, None], key=str)
    assert turns.count(few) == 2
    assert turns[-2:] == [many, many]


@pytest.mark.parametrize("turn", [0, 1, 2])
@pytest.mark.parametrize("blocked", [0, 1, 2])
async def test_a_full_queue_is_passed_over_and_nobody_else(
    jobs: Jobs, pg: Postgres, turn: int, blocked: int
) -> None:
    queues = sorted([(await build_world(pg)).organization.id for _ in range(3)])
    for organization_id in queues:
        for _ in range(2):
            await _put(jobs, organization_id=organization_id)
    after, seen = queues[turn], []
    while claimed := await jobs.claim(KINDS, lease=60.0, after=after, full=queues[blocked]):
        seen.append(claimed.organization_id)
        after = claimed.organization_id or ANYBODY
    others = [queue for queue in queues if queue != queues[blocked]]
    assert sorted(map(str, seen)) == sorted(others * 2)
    assert seen[0] != seen[1]
    await _claim(jobs, after=after, full=NOBODY)


async def test_the_bound_is_passed_by_transactions_at_the_same_time_alone(
    database_url: str, jobs: Jobs, pg: Postgres
) -> None:
    """decisions/0054: nobody waits for another's transaction, and after them none gets through."""
    home = (await build_world(pg)).organization.id
    await _put(jobs, organization_id=home, most=3)
    await _put(jobs, organization_id=home, most=3)
    pool, job = (
        await Postgres.open(database_url, 3),
        NewJob(kind="k", payload="{}", organization_id=home),
    )
    async with AsyncExitStack() as opened:
        opened.push_async_callback(pool.close)
        for _ in range(3):
            executor = await opened.enter_async_context(pool.transaction())
            async with asyncio.timeout(30):
                assert await Jobs(executor).enqueue(job, most=3) is not None
                assert await Jobs(executor).enqueue(job, most=3) is None, "its own are counted"
    assert await jobs.enqueue(job, most=3) is None
    assert not await jobs.has_room(home, most=3)


async def test_what_is_pending_is_bounded_for_each_organization(jobs: Jobs, pg: Postgres) -> None:
    one, two = [(await build_world(pg)).organization.id for _ in range(2)]
    first = await _put(jobs, organization_id=one, most=2)
    await _put(jobs, organization_id=one, most=2)
    full = NewJob(kind="k", payload="{}", organization_id=one)
    assert await jobs.enqueue(full, most=2) is None
    room = [await jobs.has_room(each, most=2) for each in (one, two, None)]
    assert room == [False, True, True]
    await _put(jobs, organization_id=two, most=2)
    await _put(jobs, most=2)
    await pg.execute(
        "UPDATE jobs SET done_at = now(), ready = FALSE WHERE id = %(id)s", {"id": first}
    )
    assert await jobs.has_room(one, most=2)
    assert await jobs.enqueue(full, most=2) is not None


async def _lose(pg: Postgres) -> None:
    """Let every lease run out."""
    await pg.execute("UPDATE jobs SET locked_until = now() WHERE lease IS NOT NULL")


async def test_a_lease_that_ran_out_is_anothers(jobs: Jobs, pg: Postgres) -> None:
    await _put(jobs)
    first = await _claim(jobs)
    assert not (await jobs.wake(KINDS)).ready
    await _lose(pg)
    assert (await jobs.wake(KINDS)).ready
    second = await _claim(jobs)
    assert (second.id, second.attempts) == (first.id, 2)
    assert second.lease != first.lease


@pytest.mark.parametrize("claimed_again", [True, False])
async def test_who_lost_the_lease_changes_nothing(
    jobs: Jobs, pg: Postgres, claimed_again: bool
) -> None:
    """Fencing: the token of the one before is worth nothing, whatever it is used for."""
    id = await _put(jobs)
    late = await _claim(jobs)
    await _lose(pg)
    await jobs.wake(KINDS)
    if claimed_again:
        await _claim(jobs)
    before = await pg.fetch("SELECT * FROM jobs")
    assert not await jobs.complete(id, late.lease)
    assert not await jobs.again(id, late.lease, 1.0)
    assert not await jobs.retry_later(id, late.lease, 1.0, "late")
    assert not await jobs.bury(id, late.lease, "late")
    assert not await jobs.progress(id, late.lease, 1, 2, "late")
    assert await jobs.extend({id: late.lease}, 60.0) == set()
    await jobs.release({id: late.lease})
    assert await pg.fetch("SELECT * FROM jobs") == before


async def test_a_lease_is_extended(jobs: Jobs, pg: Postgres) -> None:
    await _put(jobs)
    held = await _claim(jobs, lease=1.0)
    assert await jobs.extend({held.id: held.lease}, 600.0) == {held.id}
    left = "SELECT locked_until > now() + interval '9 minutes' FROM jobs"
    assert await pg.fetch(left) == [(True,)]


async def test_what_kills_its_workers_is_a_dead_letter_in_the_end(jobs: Jobs, pg: Postgres) -> None:
    await _put(jobs, max_attempts=2)
    for _ in range(2):
        await _claim(jobs)
        await _lose(pg)
        due = await jobs.wake(KINDS)
    assert not due.ready
    found = await pg.fetch("SELECT dead_at IS NOT NULL, ready, last_error FROM jobs")
    assert found == [(True, False, "its worker was lost")]


async def test_what_is_given_back_is_ready_and_was_not_tried(jobs: Jobs) -> None:
    await _put(jobs)
    held = await _claim(jobs)
    await jobs.release({held.id: held.lease})
    again = await _claim(jobs)
    assert (again.id, again.attempts) == (held.id, 1)


async def test_what_is_done_keeps_no_payload(jobs: Jobs, pg: Postgres) -> None:
    await _put(jobs, payload='{"to": "ann@acme.test"}')
    held = await _claim(jobs)
    assert await jobs.complete(held.id, held.lease)
    assert not await jobs.complete(held.id, held.lease)
    assert await pg.fetch("SELECT payload, done_at IS NOT NULL, lease FROM jobs") == [
        ("{}", True, None)
    ]
    assert not (await jobs.wake(KINDS)).ready


async def test_a_kind_that_recurs_stands_once_however_many_instances_start(
    jobs: Jobs, pg: Postgres
) -> None:
    await asyncio.gather(*(jobs.schedule({"k": 60.0, "l": 3600.0}) for _ in range(8)))
    found = await pg.fetch(
        "SELECT kind, run_at > now(), run_at <= now() + interval '1 hour' FROM jobs ORDER BY kind"
    )
    assert found == [("k", True, True), ("l", True, True)]


async def test_a_kind_that_recurs_outlives_lost_workers(jobs: Jobs, pg: Postgres) -> None:
    await jobs.schedule({"k": 60.0})
    await pg.execute("UPDATE jobs SET run_at = now(), max_attempts = 1")
    for attempts in (1, 2, 3):
        assert (await jobs.wake(KINDS)).ready
        held = await _claim(jobs)
        assert held.scheduled
        assert held.attempts == attempts
        await _lose(pg)
    await jobs.wake(KINDS)
    held = await _claim(jobs)
    assert await jobs.again(held.id, held.lease, 3600.0)
    assert await pg.fetch("SELECT attempts, run_at > now(), ready FROM jobs") == [(0, True, False)]


async def test_growth_a_claim_reads_little_whoever_has_the_most_jobs(
    jobs: Jobs, pg: Postgres
) -> None:
    """Ten thousand of one organization, whose places are taken, are not walked through."""
    queues = sorted([(await build_world(pg)).organization.id for _ in range(3)])
    fill = (
        "INSERT INTO jobs (kind, organization_id, ready)"
        " SELECT 'k', %(queue)s, TRUE FROM generate_series(1, %(count)s)"
    )
    for queue, count in zip(queues, (10_000, 10_000, 1), strict=True):
        await pg.execute(fill, {"queue": queue, "count": count})
    await pg.execute("ANALYZE jobs")
    from storage.repositories import job_sql

    values = {
        "kinds": list(KINDS), "lease": ANYBODY, "seconds": 1.0,
        "after": queues[0], "full": queues[1],
    }  # fmt: skip
    async with pg.transaction() as tx:
        rows = await tx.fetch(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {job_sql.CLAIM}", values)
        await tx.execute("DELETE FROM jobs")
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in plan
    read = next(line for line in plan.splitlines() if "shared hit=" in line)
    assert int(read.split("shared hit=")[1].split()[0]) < 80, plan
