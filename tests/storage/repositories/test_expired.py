"""What has expired goes, in batches; the rest stays."""

from __future__ import annotations

import asyncio

import pytest

from storage.postgres import Postgres
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


async def test_what_expired_an_hour_ago_goes(pg: Postgres, table: str) -> None:
    await _fill(pg, table)
    expired = Expired(pg)
    assert await expired.purge(4) == 4
    assert await expired.purge(100) == 6
    assert await expired.purge(100) == 0
    assert await _left(pg, table) == {"fresh": 10, "alive": 10}
    await pg.execute(f"DELETE FROM {table}")


async def test_instances_purge_side_by_side(pg: Postgres, table: str) -> None:
    await _fill(pg, table)
    async with pg.transaction() as tx:
        assert await Expired(tx).purge(3) == 3
        async with asyncio.timeout(30):  # the locked rows are passed over, not waited for
            assert await Expired(pg).purge(100) == 7
    assert await _left(pg, table) == {"fresh": 10, "alive": 10}
    await pg.execute(f"DELETE FROM {table}")
