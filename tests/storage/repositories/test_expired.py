"""What has expired goes, in batches; what codes are judged by stays for an hour."""

from __future__ import annotations

import asyncio

import pytest

from storage.postgres.driver import Postgres
from storage.repositories.expired import Expired

_INSERT = {
    "artifacts": "INSERT INTO artifacts (id, kind, organization_id, payload, expires_at)"
    " SELECT prefix || g, 'Grant', gen_random_uuid(), '{}', at FROM",
    "sessions": "INSERT INTO sessions (id, kind, organization_id, payload, expires_at)"
    " SELECT prefix || g, 'Session', gen_random_uuid(), '{}', at FROM",
    "token_families": "INSERT INTO token_families (id, organization_id, client_id, account_id,"
    " grant_id, session_uid, expires_at)"
    " SELECT prefix || g, gen_random_uuid(), 'c', gen_random_uuid(), 'g', 's', at FROM",
}


_KEPT = {
    "artifacts": {"alive": 10},
    "sessions": {"fresh": 10, "alive": 10},
    "token_families": {"fresh": 10, "alive": 10},
}


async def _fill(pg: Postgres, table: str) -> None:
    await pg.execute(
        f"{_INSERT[table]} generate_series(1, 10) g, (VALUES"
        " ('dead', now() - interval '2 hours'), ('fresh', now() - interval '1 minute'),"
        " ('alive', now() + interval '1 hour')) AS v (prefix, at)"
    )


async def _left(pg: Postgres, table: str) -> dict[str, int]:
    rows = await pg.fetch(
        f"SELECT regexp_replace(id, '[0-9]+', ''), count(*) FROM {table} GROUP BY 1"
    )
    return dict(rows)


@pytest.fixture(params=list(_INSERT))
def table(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_what_has_expired_goes(pg: Postgres, table: str) -> None:
    await _fill(pg, table)
    expired = Expired(pg)
    assert await expired.purge(4) == 4
    assert await expired.purge(100) == 26 - sum(_KEPT[table].values())
    assert await expired.purge(100) == 0
    assert await _left(pg, table) == _KEPT[table]
    await pg.execute(f"DELETE FROM {table}")


async def test_instances_purge_side_by_side(pg: Postgres, table: str) -> None:
    await _fill(pg, table)
    async with pg.transaction() as tx:
        assert await Expired(tx).purge(3) == 3
        async with asyncio.timeout(30):  # the locked rows are passed over, not waited for
            assert await Expired(pg).purge(100) == 27 - sum(_KEPT[table].values())
    assert await _left(pg, table) == _KEPT[table]
    await pg.execute(f"DELETE FROM {table}")


async def test_growth_a_pushed_request_goes_when_it_expires(pg: Postgres) -> None:
    """Anybody who has a client can push any number; an hour of them is too many to keep."""
    await pg.execute(
        "INSERT INTO artifacts (id, kind, organization_id, payload, expires_at, consumed_at)"
        " SELECT 'par' || n, 'PushedAuthorizationRequest', gen_random_uuid(), '{}',"
        " now() + make_interval(secs => n), CASE WHEN n % 2 = 0 THEN now() END"
        " FROM unnest(ARRAY[-60, -2, -1, 60, 61]) n"
    )
    assert await Expired(pg).purge(100) == 3
    assert await _left(pg, "artifacts") == {"par": 2}
    await pg.execute("DELETE FROM artifacts")


async def test_jobs_that_ended_stay_for_a_while_and_others_for_good(pg: Postgres) -> None:
    await pg.execute(
        """
        INSERT INTO jobs (kind, done_at, dead_at, run_at) VALUES
            ('done long ago', now() - interval '8 days', NULL, now()),
            ('done', now() - interval '6 days', NULL, now()),
            ('dead long ago', NULL, now() - interval '91 days', now()),
            ('dead', NULL, now() - interval '80 days', now()),
            ('never begun', NULL, NULL, now() - interval '400 days')
        """
    )
    assert await Expired(pg).purge(100) == 2
    left = await pg.fetch("SELECT kind FROM jobs ORDER BY kind")
    assert left == [("dead",), ("done",), ("never begun",)]
    await pg.execute("DELETE FROM jobs")
