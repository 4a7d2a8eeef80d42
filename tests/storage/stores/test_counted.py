"""What is counted before it is kept: in every store, on every topology of Redis (security 1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from storage.errors import Unreachable
from storage.models.artifact import Home, artifact_id, home_of
from storage.models.interactions import Interaction
from storage.postgres.driver import Postgres
from storage.router import Storage
from storage.stores.counters import Excess, Limit
from tests import factories
from tests.world.topologies import keys
from tests.world.valkey import Valkey
from tests.world.waiting import eventually

A = str(uuid4())
SLOT = "waiting"


class Maker:
    """Builds interactions, and remembers under which ids."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def __call__(self, **fields: Any) -> Interaction:
        self.ids.append(fields["id"])
        return factories.interaction(A, **fields)


@pytest.fixture(params=["redis", "postgres", "sentinel", "cluster"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Where Redis is; None where there is none."""
    if request.param == "postgres":
        return None
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest_asyncio.fixture
async def kept(url: str | None, database_url: str) -> AsyncIterator[Storage]:
    storage = await Storage.open(database_url, url)
    yield storage
    await storage.close()


def _limits(*bounds: int) -> list[Limit]:
    key = f"interaction:{uuid4()}"
    return [Limit(f"{key}:{place}", most, 60) for place, most in enumerate(bounds)]


async def _stored(url: str | None, pg: Postgres, ids: list[str]) -> int:
    """Count what lies anywhere under `ids`, seen through other eyes."""
    rows = await pg.fetch("SELECT id FROM artifacts WHERE id = ANY(%(ids)s)", {"ids": ids})
    names = await asyncio.to_thread(keys, url, "porta:Interaction:*") if url else []
    return len(rows) + len([name for name in names if name.rpartition(":")[2] in ids])


async def test_security_1_what_is_within_its_limits_is_kept(kept: Storage) -> None:
    make, limits = Maker(), _limits(2, 9)
    values = [await kept.counted.create(SLOT, limits, make, 60) for _ in range(2)]
    assert len(set(values)) == 2
    for value, id in zip(values, make.ids, strict=True):
        assert isinstance(value, str)
        assert artifact_id(value) == id
        assert home_of(value) is (Home.REDIS if kept.has_redis else Home.POSTGRES)
        found = await kept.artifacts.find(Interaction, value, A)
        assert found is not None
        assert found.parameters == factories.interaction(A).parameters


async def test_security_1_what_is_refused_is_not_kept(
    kept: Storage, url: str | None, pg: Postgres
) -> None:
    make, (wide, narrow) = Maker(), _limits(9, 1)
    assert isinstance(await kept.counted.create(SLOT, [wide, narrow], make, 60), str)
    assert await _stored(url, pg, make.ids) == 1
    refused = Maker()
    for first in (True, False):
        excess = await kept.counted.create(SLOT, [wide, narrow], refused, 60)
        assert isinstance(excess, Excess)
        assert (excess.limit, excess.first) == (narrow, first)
        assert 0 < excess.retry_after <= 60
    assert await _stored(url, pg, refused.ids) == 0
    more = [await kept.counters.spend(SLOT, [wide]) for _ in range(9)]
    assert [excess is None for excess in more] == [True] * 8 + [False], "it took nothing of others"


async def test_security_1_parallel_requests_do_not_outrun_what_is_kept(kept: Storage) -> None:
    make, limits = Maker(), _limits(5)
    work = (kept.counted.create(SLOT, limits, make, 60) for _ in range(30))
    values = [each for each in await asyncio.gather(*work) if isinstance(each, str)]
    assert len(values) == 5
    found = [await kept.artifacts.find(Interaction, value, A) for value in values]
    assert None not in found


async def test_it_costs_one_round_trip_on_one_server(kept: Storage, url: str | None) -> None:
    limits = _limits(99, 99, 99)
    spent = []
    for _ in range(12):  # a node that has not met a script is sent its text, once
        before = kept.round_trips
        await kept.counted.create(SLOT, limits, Maker(), 60)
        after = kept.round_trips
        spent.append((after.postgres - before.postgres, after.redis - before.redis))
    in_cluster = url is not None and url.startswith("redis+cluster")
    assert min(spent) == ((2, 0) if url is None else (0, 2) if in_cluster else (0, 1))


async def test_security_1_it_counts_and_keeps_on_while_redis_is_away(
    database_url: str, own_redis: Valkey
) -> None:
    storage = await Storage.open(database_url, own_redis.url)
    make, limits = Maker(), _limits(3)
    own_redis.stop()
    values = [await storage.counted.create(SLOT, limits, make, 60) for _ in range(5)]
    assert [isinstance(value, str) for value in values] == [True] * 3 + [False] * 2
    assert {home_of(value) for value in values if isinstance(value, str)} == {Home.POSTGRES}
    own_redis.start()
    await eventually(lambda: _is_back(storage), 30)
    value = await storage.counted.create(SLOT, limits, make, 60)
    assert isinstance(value, str)
    assert home_of(value) is Home.REDIS
    await storage.close()


async def _is_back(storage: Storage) -> bool:
    return storage.redis_trouble is None


async def test_security_1_where_nothing_can_be_counted_nothing_is_kept(
    database_url: str, own_redis: Valkey
) -> None:
    storage = await Storage.open(database_url, own_redis.url)
    await storage.close()
    with pytest.raises(Unreachable):
        await storage.counted.create(SLOT, _limits(3), Maker(), 60)
    assert await asyncio.to_thread(keys, own_redis.url, "porta:Interaction:*") == []
