"""However many processes count at the same moment, nobody outruns a limit (requirement F.7)."""

from __future__ import annotations

from uuid import uuid4

import pytest

from storage.postgres.driver import Postgres
from storage.redis.lane import Redis
from storage.repositories.users import Users
from storage.stores.counters import Limit, PostgresCounters, RedisCounters
from tests.storage.beside import answers_of_two
from tests.storage.count_in_parallel import MOST, ROUNDS
from tests.world.rows import build_world


@pytest.mark.parametrize("name", ["redis", "postgres"])
async def test_security_3_two_processes_count_under_one_limit(
    name: str, database_url: str, redis_url: str, pg: Postgres
) -> None:
    key, redis = str(uuid4()), await Redis.open(redis_url)
    within = MOST * ROUNDS
    assert sum(await _attempts(database_url, redis_url, name, key)) == within
    counters = RedisCounters(redis) if name == "redis" else PostgresCounters(pg)
    for beside in (f"{key}:wide", f"{key}:n"):
        assert await counters.spend(key, [Limit(beside, within + 1, 600)]) is None
        assert await counters.spend(key, [Limit(beside, within + 1, 600)]) is not None, (
            "what was refused took nothing of the other limits, and no attempt was lost"
        )
    await redis.close()


async def test_security_2_two_processes_lock_an_account_after_so_many_attempts(
    database_url: str, redis_url: str, pg: Postgres
) -> None:
    world = await build_world(pg)
    who = world.organization.id, world.user.email
    judged = await _attempts(database_url, redis_url, "account", *who)
    assert sum(judged) == MOST
    found = await Users(pg).find_by_email(*who)
    assert found is not None
    assert (found.auto_locked, found.failed_login_count) == (True, MOST)


async def _attempts(database_url: str, redis_url: str, *arguments: str) -> list[int]:
    """Have two processes make CALLERS attempts each; return how many each could make."""
    told = f"{database_url}\n{redis_url}\n"
    answers = await answers_of_two("tests.storage.count_in_parallel", *arguments, told=told)
    return [int(answer) for answer in answers]
