"""What has expired for an hour is removed, and what lives is not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from porta.jobs import JOBS, purge_expired
from porta.runtime import Runtime
from storage.postgres import Postgres
from tests.served import settings_for

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
