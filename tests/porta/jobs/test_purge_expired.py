"""What has expired is removed, however much there is, and what lives is not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from porta.jobs import JOBS, purge_expired
from porta.runtime import Runtime
from porta.services import audit_sealing
from storage.postgres.driver import Postgres
from tests.porta.jobs.workers import working
from tests.world.served import settings_for
from tests.world.waiting import eventually

ROWS = 1200


@pytest_asyncio.fixture(loop_scope="session")
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    opened = await Runtime.open(settings_for(database_url, None))
    yield opened
    await opened.close()


async def test_it_is_among_the_jobs() -> None:
    assert purge_expired.JOB in JOBS


async def test_only_the_expired_go_however_many_there_are(runtime: Runtime, pg: Postgres) -> None:
    await pg.execute(
        """
        INSERT INTO artifacts (id, kind, organization_id, payload, expires_at)
        SELECT 'old' || n, 'Grant', gen_random_uuid(), '{}'::json, now() - interval '2 hours'
        FROM generate_series(1, %(rows)s) n
        UNION ALL SELECT 'new', 'Grant', gen_random_uuid(), '{}', now() + interval '1 hour'
        """,
        {"rows": ROWS},
    )
    await pg.execute(
        """
        INSERT INTO rate_counters (key, window_ends_at, count)
        VALUES ('old', now() - interval '2 hours', 1), ('new', now() + interval '1 hour', 1)
        """
    )
    await purge_expired.purge(runtime)
    assert await pg.fetch("SELECT id FROM artifacts") == [("new",)]
    assert await pg.fetch("SELECT key FROM rate_counters") == [("new",)]


async def _audited(runtime: Runtime, pg: Postgres, days: int) -> list[int]:
    """Return the ages in days of the entries that are left, youngest first."""
    await runtime.storage.everywhere.system_config.put("audit_log_retention_days", days, "number")

    async def heard() -> bool:
        return (await runtime.snapshot()).config.audit_log_retention_days == days

    await eventually(heard)
    async with runtime.storage.everywhere.transaction() as tx:
        await audit_sealing.seal_all(tx, runtime.audit_keys, 10)  # nothing else is removed
    await purge_expired.purge(runtime)
    rows = await pg.fetch(
        "SELECT floor(EXTRACT(EPOCH FROM now() - created_at) / 86400)::int FROM audit_log"
        " WHERE event_type = 'x' ORDER BY created_at DESC"
    )
    return [row[0] for row in rows]


async def test_the_audit_log_is_kept_for_as_long_as_configured(
    runtime: Runtime, pg: Postgres
) -> None:
    await pg.execute("DELETE FROM audit_log")
    await pg.execute(
        """
        INSERT INTO audit_log (event_type, event_category, created_at)
        SELECT 'x', 'admin', now() - make_interval(days => days, hours => 1)
        FROM unnest(array_fill(400, ARRAY[1200]) || ARRAY[100, 31, 29, 1, 0]) AS days
        """
    )
    assert len(await _audited(runtime, pg, 0)) == 1205, "for ever"
    assert await _audited(runtime, pg, 90) == [0, 1, 29, 31]
    assert await _audited(runtime, pg, 30) == [0, 1, 29]
    assert await _audited(runtime, pg, 1) == [0]
    assert await _audited(runtime, pg, 36_500) == [0]


async def test_growth_what_one_run_leaves_is_told_and_taken_by_the_next(
    runtime: Runtime, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_expired, "_BATCH", 10)
    monkeypatch.setattr(purge_expired, "_MOST_BATCHES", 3)
    fill = "SELECT n::text, now() - interval '2 hours', 1 FROM generate_series(1, 70) n"
    await pg.execute(f"INSERT INTO rate_counters (key, window_ends_at, count) {fill}")
    assert [await purge_expired.purge(runtime) for _ in range(3)] == [True, True, False]
    assert await pg.fetch("SELECT key FROM rate_counters WHERE window_ends_at < now()") == []


async def test_growth_the_job_empties_its_tables_before_it_rests(
    runtime: Runtime, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It rests for minutes: whatever a first run leaves would still be there."""
    monkeypatch.setattr(purge_expired, "_BATCH", 10)
    monkeypatch.setattr(purge_expired, "_MOST_BATCHES", 3)
    fill = "SELECT n::text, now() - interval '2 hours', 1 FROM generate_series(1, 200) n"
    await pg.execute(f"INSERT INTO rate_counters (key, window_ends_at, count) {fill}")
    await runtime.storage.everywhere.jobs.schedule({"purge_expired": 0.0})
    async with working(runtime, purge_expired.JOB):

        async def done() -> bool:
            waits = "SELECT run_at > now() + interval '1 minute' FROM jobs WHERE NOT ready"
            return await pg.fetch(waits) == [(True,)]

        await eventually(done, 30.0)
    assert not await pg.fetch("SELECT key FROM rate_counters WHERE window_ends_at < now()")
