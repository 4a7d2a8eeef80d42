"""The worker: retries, dead letters, fairness, leases, and an end in good order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from porta.jobs import attempt, worker
from porta.jobs.job import Execution, Job, JobFailed, LeaseLost
from porta.jobs.worker import Worker
from porta.outbox import queue
from porta.outbox.queue import Kind, Nothing
from porta.runtime import Runtime
from storage.errors import Unreachable
from storage.postgres.driver import Postgres
from tests.porta.jobs.workers import WORK, Number, enqueue, job, working
from tests.world.relay import relay
from tests.world.rows import build_world
from tests.world.runtime import until_listening
from tests.world.served import settings_for
from tests.world.waiting import eventually


@pytest_asyncio.fixture(loop_scope="session")
async def runtime(database_url: str, pg: Postgres) -> AsyncIterator[Runtime]:
    opened = await Runtime.open(settings_for(database_url, None))
    await until_listening(opened)
    yield opened
    await opened.close()
    await pg.execute("DELETE FROM jobs")


async def _states(pg: Postgres) -> list[tuple[Any, ...]]:
    return await pg.fetch(
        "SELECT done_at IS NOT NULL, dead_at IS NOT NULL, attempts, last_error"
        " FROM jobs ORDER BY id"
    )


async def _until(pg: Postgres, *states: tuple[Any, ...], seconds: float = 60.0) -> None:
    async def reached() -> bool:
        return await _states(pg) == list(states)

    await eventually(reached, seconds)


async def test_a_job_is_there_when_its_transaction_is_and_never_otherwise(
    runtime: Runtime, pg: Postgres
) -> None:
    done: list[int] = []

    async def run(_: Execution, n: int) -> None:
        done.append(n)

    async with working(runtime, job(run)):
        with suppress(ZeroDivisionError):
            async with runtime.storage.everywhere.transaction() as tx:
                await queue.enqueue(tx, WORK, Number(1))
                raise ZeroDivisionError
        async with runtime.storage.everywhere.transaction() as tx:
            await queue.enqueue(tx, WORK, Number(2))
            await asyncio.sleep(0.2)
            assert done == []
        await _until(pg, (True, False, 1, None))
    assert done == [2]


async def test_a_notification_brings_it_long_before_the_next_look(
    runtime: Runtime, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "IDLE_POLL", 3600.0)
    monkeypatch.setattr(worker, "BUSY_POLL", 3600.0)

    async def run(_: Execution, n: int) -> None:
        pass

    async with working(runtime, job(run)):
        await asyncio.sleep(0.5)
        await enqueue(runtime, 1)
        await _until(pg, (True, False, 1, None))


async def test_without_notifications_the_idle_look_finds_it(
    runtime: Runtime, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in the table without a word, as after a NOTIFY that was lost."""
    assert worker.IDLE_POLL == 10.0
    monkeypatch.setattr(worker, "IDLE_POLL", 1.0)

    async def run(_: Execution, n: int) -> None:
        pass

    async with working(runtime, job(run)):
        await asyncio.sleep(0.5)
        await pg.execute(
            """INSERT INTO jobs (kind, payload, ready) VALUES ('test_work', '{"n": 1}', TRUE)"""
        )
        await _until(pg, (True, False, 1, None))


async def test_a_failure_is_tried_again_and_in_the_end_is_a_dead_letter(
    runtime: Runtime, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "FIRST_BACKOFF", 0.01)

    async def run(_: Execution, n: int) -> None:
        if n == 1:
            raise Unreachable("the database is away")
        raise ZeroDivisionError("ann@acme.test")

    async with working(runtime, job(run)):
        await enqueue(runtime, 1, 2)
        await _until(
            pg,
            (False, True, 3, "the database is away"),
            (False, True, 3, "ZeroDivisionError"),
        )


async def test_a_failure_that_no_attempt_mends_is_a_dead_letter_at_once(
    runtime: Runtime, pg: Postgres
) -> None:
    async def run(_: Execution, n: int) -> None:
        raise JobFailed("the mail server knows no such person")

    await pg.execute(
        """INSERT INTO jobs (kind, payload, ready) VALUES ('test_work', '{"m": 1}', TRUE)"""
    )
    async with working(runtime, job(run)):
        await enqueue(runtime, 1)
        await _until(
            pg,
            (False, True, 1, "Object missing required field `n`"),
            (False, True, 1, "the mail server knows no such person"),
        )


def test_the_back_off_doubles_from_a_second_to_ten_minutes() -> None:
    for attempts in range(1, 40):
        drawn = [attempt.backoff(attempts) for _ in range(20)]
        least = min(2.0 ** (attempts - 1), 600.0)
        assert all(least <= each <= min(1.5 * least, 600.0) for each in drawn)
        assert least == 600.0 or len(set(drawn)) > 1, "scattered"
    longest = [min(2.0**n, 600.0) for n in range(12)]
    assert all(a <= b for a, b in pairwise(longest))


@pytest.mark.parametrize("concurrency", [1, 5])
async def test_one_organizations_ten_thousand_do_not_delay_anothers_one(
    runtime: Runtime, pg: Postgres, concurrency: int
) -> None:
    # The other one comes last by its id: only the turn brings it forward.
    many, other = sorted([(await build_world(pg)).organization.id for _ in range(2)])
    await pg.execute(
        "INSERT INTO jobs (kind, payload, organization_id, ready)"
        """ SELECT 'test_work', '{"n": 0}', %(many)s, TRUE FROM generate_series(1, 10000)""",
        {"many": many},
    )
    order: list[int] = []

    async def run(_: Execution, n: int) -> None:
        order.append(n)

    async with working(runtime, job(run), concurrency=concurrency):
        while len(order) < 20:
            await asyncio.sleep(0.01)
        before = len(order)
        await enqueue(runtime, 1, organization_id=other)
        while 1 not in order and len(order) < before + 500:
            await asyncio.sleep(0.01)
        delay = (order.index(1) if 1 in order else len(order)) - before
    assert delay < 100, "a handful are under way, and every other turn is the other's"


async def test_one_organizations_slow_jobs_leave_a_place_to_the_others(
    runtime: Runtime, pg: Postgres
) -> None:
    slow, other = [(await build_world(pg)).organization.id for _ in range(2)]
    done = asyncio.Event()
    begun: list[int] = []

    async def run(_: Execution, n: int) -> None:
        begun.append(n)
        if n == 0:
            await asyncio.sleep(3600)
        done.set()

    async with working(runtime, job(run)):
        await enqueue(runtime, *[0] * 20, organization_id=slow)
        while len(begun) < 4:
            await asyncio.sleep(0.01)
        await enqueue(runtime, 1, organization_id=other)
        async with asyncio.timeout(60):
            await done.wait()
    assert begun == [0, 0, 0, 0, 1]


async def test_at_most_so_many_run_at_a_time(runtime: Runtime, pg: Postgres) -> None:
    now = most = 0
    full = asyncio.Event()

    async def run(_: Execution, n: int) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == 3:
            full.set()
        await full.wait()  # however long the next one takes to be claimed
        await asyncio.sleep(0.05)
        now -= 1

    async with working(runtime, job(run), concurrency=3):
        await enqueue(runtime, *range(10))
        await enqueue(runtime, *range(10), organization_id=(await build_world(pg)).organization.id)
        await _until(pg, *[(True, False, 1, None)] * 20)
    assert most == 3


async def test_a_long_job_keeps_its_lease(runtime: Runtime, pg: Postgres) -> None:
    """It runs until the lease was seen to be extended twice."""
    runs: list[int] = []
    seen: set[tuple[Any, ...]] = set()
    kept = asyncio.Event()

    async def run(_: Execution, n: int) -> None:
        runs.append(n)
        await kept.wait()

    async def is_extended_twice() -> bool:
        seen.update(await pg.fetch("SELECT locked_until FROM jobs WHERE lease IS NOT NULL"))
        return len(seen) > 2

    async with working(runtime, job(run), lease=12.0), working(runtime, job(run), lease=12.0):
        await enqueue(runtime, 1)
        await eventually(is_extended_twice)
        kept.set()
        await _until(pg, (True, False, 1, None))
    assert runs == [1]


async def test_a_worker_that_lost_its_lease_is_stopped_and_its_effect_rolled_back(
    runtime: Runtime, pg: Postgres
) -> None:
    lost = asyncio.Event()
    ends: list[str] = []

    async def run(execution: Execution, n: int) -> None:
        if execution.claimed.attempts > 1:
            ends.append("second")
            return
        try:
            async with execution.completion() as tx:
                await tx.system_config.put("effect", 1, "number")
                await pg.execute("UPDATE jobs SET lease = NULL, locked_until = NULL, ready = TRUE")
                lost.set()
        except LeaseLost:
            ends.append("first")
            raise

    async with working(runtime, job(run)):
        await enqueue(runtime, 1)
        await lost.wait()
        await _until(pg, (True, False, 2, None))
    assert sorted(ends) == ["first", "second"]  # the two end beside each other
    assert await pg.fetch("SELECT 1 FROM system_config WHERE key = 'effect'") == []


async def test_a_job_whose_lease_another_took_is_cancelled(runtime: Runtime, pg: Postgres) -> None:
    cancelled, begun = asyncio.Event(), asyncio.Event()

    async def run(execution: Execution, n: int) -> None:
        if execution.claimed.attempts > 1:
            return
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()

    async with working(runtime, job(run), lease=1.0):
        await enqueue(runtime, 1)
        await begun.wait()
        await pg.execute("UPDATE jobs SET lease = NULL, locked_until = NULL, ready = TRUE")
        async with asyncio.timeout(60):
            await cancelled.wait()
        await _until(pg, (True, False, 2, None))


async def test_a_job_that_is_cancelled_while_it_runs_is_stopped_and_has_no_effect(
    runtime: Runtime, pg: Postgres
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def run(execution: Execution, n: int) -> None:
        try:
            async with execution.completion() as tx:
                await tx.system_config.put("effect", 1, "number")
                begun.set()
                await asyncio.sleep(3600)
        finally:
            ended.set()

    async with working(runtime, job(run), lease=1.0):
        await enqueue(runtime, 1)
        await begun.wait()
        ((id,),) = await pg.fetch("SELECT id FROM jobs")
        async with asyncio.timeout(60):
            assert await runtime.storage.everywhere.jobs.cancel(id)
            await ended.wait()
    assert await _states(pg) == [(False, True, 1, None)]
    assert await pg.fetch("SELECT 1 FROM system_config WHERE key = 'effect'") == []


async def test_effect_and_completion_are_one(runtime: Runtime, pg: Postgres) -> None:
    tried: list[int] = []

    async def run(execution: Execution, n: int) -> None:
        tried.append(n)
        async with execution.completion() as tx:
            await tx.system_config.put(f"effect_{len(tried)}", 1, "number")
            if len(tried) == 1:
                raise Unreachable("in the middle")

    async with working(runtime, job(run)):
        await enqueue(runtime, 1)
        await _until(pg, (True, False, 2, None))
    found = await pg.fetch("SELECT key FROM system_config WHERE key LIKE 'effect_%%'", {})
    assert found == [("effect_2",)]


async def test_a_stopped_worker_finishes_what_it_began_and_begins_nothing(
    runtime: Runtime, pg: Postgres
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def run(_: Execution, n: int) -> None:
        begun.set()
        await go_on.wait()

    stopping = Worker(runtime, [job(run)])
    task = asyncio.create_task(stopping.run())
    await enqueue(runtime, 1)
    await begun.wait()
    stopping.stop(60.0)
    await enqueue(runtime, 2)
    await asyncio.sleep(0.3)
    assert not task.done()
    go_on.set()
    await task
    assert await _states(pg) == [(True, False, 1, None), (False, False, 0, None)]


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
async def test_what_it_cannot_finish_is_given_back(
    runtime: Runtime, pg: Postgres, how: str
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def run(_: Execution, n: int) -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    stopping = Worker(runtime, [job(run)])
    task = asyncio.create_task(stopping.run())
    await enqueue(runtime, 1)
    await begun.wait()
    if how == "stopped":
        stopping.stop(0.05)
        await task
    else:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ended.is_set()
    found = await pg.fetch("SELECT ready, lease, locked_until, attempts FROM jobs")
    assert found == [(True, None, None, 0)]


async def test_two_workers_run_what_recurs_one_at_a_time(runtime: Runtime, pg: Postgres) -> None:
    now = most = runs = 0

    async def run(_: Execution) -> None:
        nonlocal now, most, runs
        now, runs = now + 1, runs + 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1

    often = Job(Kind("test_often", Nothing), run, every=0.05)
    async with working(runtime, often), working(runtime, often), working(runtime, often):

        async def enough() -> bool:
            return runs > 5

        await eventually(enough, 30.0)
    assert most == 1
    assert await pg.fetch("SELECT count(*) FROM jobs") == [(1,)]


async def test_a_clock_that_is_wrong_moves_no_schedule(runtime: Runtime, pg: Postgres) -> None:
    """Times are PostgreSQL's alone: this process may think what it likes of the hour."""
    runs: list[float] = []

    async def run(_: Execution) -> None:
        runs.append(1)

    await pg.execute("DELETE FROM jobs")
    daily = Job(Kind("test_daily", Nothing), run, every=86400.0)
    await runtime.storage.everywhere.jobs.schedule({"test_daily": 86400.0})
    await pg.execute("UPDATE jobs SET run_at = now()")
    true_clock = runtime.clock
    runtime.clock = lambda: true_clock() + 10 * 86400
    async with working(runtime, daily), working(runtime, daily):

        async def ran() -> bool:
            return bool(runs)

        await eventually(ran)
        await asyncio.sleep(1.5)
    assert runs == [1]
    tomorrow = "SELECT run_at > now() + interval '23 hours' FROM jobs"
    assert await pg.fetch(tomorrow) == [(True,)]


async def test_what_recurs_is_never_a_dead_letter(
    runtime: Runtime, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(attempt, "LONGEST_BACKOFF", 0.01)
    runs: list[int] = []

    async def run(_: Execution) -> None:
        runs.append(1)
        raise JobFailed("no") if len(runs) % 2 else ZeroDivisionError

    async with working(runtime, Job(Kind("test_often", Nothing), run, every=0.05)):

        async def enough() -> bool:
            return len(runs) > 12

        await eventually(enough, 60.0)
    assert await pg.fetch("SELECT dead_at FROM jobs") == [(None,)]


async def test_a_worker_waits_for_a_database_that_is_away_and_goes_on(
    database_url: str, pg: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(_: Execution, n: int) -> None:
        pass

    async def noticed() -> bool:
        return "jobs.away" in caplog.messages

    async with relay(database_url) as (wire, url):
        apart = await Runtime.open(settings_for(url, None))
        try:
            async with working(apart, job(run)):
                wire.silence()
                await eventually(noticed, 60.0)
                await pg.execute(
                    "INSERT INTO jobs (kind, payload, ready)"
                    """ VALUES ('test_work', '{"n": 1}', TRUE)"""
                )
                wire.restore()
                await _until(pg, (True, False, 1, None), seconds=60.0)
        finally:
            wire.restore()
            await apart.close()
            await pg.execute("DELETE FROM jobs")


async def test_progress_is_to_be_read_while_it_runs(runtime: Runtime, pg: Postgres) -> None:
    noted, go_on = asyncio.Event(), asyncio.Event()

    async def run(execution: Execution, n: int) -> None:
        for done in range(100):
            await execution.progress(done, 100, "rows")
        noted.set()
        await go_on.wait()

    sql = "SELECT progress_done, progress_total, progress_message FROM jobs"
    async with working(runtime, job(run)):
        await enqueue(runtime, 1)
        await noted.wait()
        before = await pg.fetch(sql)
        go_on.set()
        await _until(pg, (True, False, 1, None))
    assert before == [(0, 100, "rows")], "once a second, not a hundred times"
    assert await pg.fetch(sql) == [(100, 100, "rows")]


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
async def test_a_claim_under_way_leaves_no_lease_to_nobody(
    database_url: str, pg: Postgres, how: str
) -> None:
    """It ends when the server has given the lease, and the answer is still on its way."""
    begun: list[int] = []

    async def run(_: Execution, n: int) -> None:
        begun.append(n)

    async def leased() -> bool:
        return await pg.fetch("SELECT lease IS NOT NULL FROM jobs") == [(True,)]

    async with relay(database_url) as (wire, url):
        apart = await Runtime.open(settings_for(url, None))
        try:
            await enqueue(apart, 1)
            wire.delay = 0.5
            ending = Worker(apart, [job(run)])
            task = asyncio.create_task(ending.run())
            await eventually(leased, 30.0)
            if how == "stopped":
                ending.stop(60.0)
                await task
            else:
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
        finally:
            wire.restore()
            await apart.close()
    assert begun == []
    found = await pg.fetch("SELECT ready, lease, attempts FROM jobs")
    await pg.execute("DELETE FROM jobs")
    assert found == [(True, None, 0)]
