"""PostgreSQL behind a pooler: its sessions are ours, or we say so before anything is at stake."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

import psycopg2
import pytest

from storage.errors import Refused, Unreachable
from storage.postgres import migrate
from storage.postgres.driver import Postgres
from storage.postgres.migrate import migrations
from storage.postgres.statement import Statement
from storage.router import Storage
from tests.storage.postgres.pgbouncer import needs_pgbouncer, pooled
from tests.world.served import serve
from tests.world.waiting import eventually

pytestmark = needs_pgbouncer

_ADD = Statement("add", "SELECT %(a)s::int + %(b)s::int")
_IN_FORCE = {
    "statement_timeout": "3s",
    "idle_in_transaction_session_timeout": "10s",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_mergejoin": "off",
    "random_page_cost": "1.1",
    "jit": "off",
}
_SESSIONS = [
    {},
    {"ignore_startup_parameters": "options,extra_float_digits"},
    {"server_reset_query": ""},
    {"default_pool_size": "12", "server_round_robin": "1"},
]
_SHARED = [
    {"pool_mode": "transaction"},
    {"pool_mode": "transaction", "default_pool_size": "1"},
    {"pool_mode": "transaction", "default_pool_size": "2", "server_round_robin": "1"},
    {"pool_mode": "transaction", "ignore_startup_parameters": "options"},
    {"pool_mode": "statement"},
]


async def _settings(pg: Postgres) -> dict[str, str]:
    rows = await pg.fetch(
        "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%(names)s)",
        {"names": list(_IN_FORCE)},
    )
    return dict(rows)


@pytest.mark.parametrize("options", _SESSIONS, ids=str)
async def test_K9_what_we_ask_of_a_session_is_in_force(
    database_url: str, options: dict[str, str]
) -> None:
    with pooled(database_url, **options) as url:
        for _ in range(2):  # the second gets the sessions that the first gave back
            postgres = await Postgres.open(url, 3)
            asked = [_settings(postgres) for _ in range(9)]
            assert await asyncio.gather(*asked) == [_IN_FORCE] * 9
            sums = [postgres.fetchrow(_ADD, {"a": n, "b": 1}) for n in range(9)]
            assert await asyncio.gather(*sums) == [(n + 1,) for n in range(9)]
            await postgres.close()


async def test_what_the_address_asks_of_a_session_wins(database_url: str) -> None:
    postgres = await Postgres.open(
        f"{database_url}?options=-c%20statement_timeout%3D7000%20-c%20jit%3Don", 1
    )
    assert await _settings(postgres) == {**_IN_FORCE, "statement_timeout": "7s", "jit": "on"}
    await postgres.close()


async def test_K9_an_address_with_options_is_refused_with_the_remedy(database_url: str) -> None:
    remedy = r"options.*ignore_startup_parameters"
    with pooled(database_url) as url, pytest.raises(Refused, match=remedy):
        await Storage.open(f"{url}?options=-c%20jit%3Don", patience=3600)


@pytest.mark.parametrize("options", _SHARED, ids=str)
async def test_K9_sessions_that_are_shared_are_refused_with_the_remedy(
    database_url: str, pg: Postgres, options: dict[str, str]
) -> None:
    with pooled(database_url, **options) as url:
        with pytest.raises(Refused, match="pool_mode = session"):
            await Storage.open(url, patience=3600)  # no waiting cures it
        with pytest.raises(Refused, match="pool_mode = session"):
            await migrate.up(url)
        locks = """
            SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE l.locktype = 'advisory' AND d.datname = current_database()
        """
        assert await pg.fetchrow(locks) == (0,)


async def test_K9_shared_sessions_are_left_as_they_were(fresh_database_url: str) -> None:
    """Others use them: our limits of time must not become theirs."""
    with pooled(fresh_database_url, pool_mode="transaction", default_pool_size="1") as url:
        with pytest.raises(Unreachable):
            await Storage.open(url)
        with contextlib.closing(psycopg2.connect(url)) as another, another.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)


@pytest.mark.parametrize("size", ["25", "5"])
async def test_K9_sixty_token_requests_through_a_pooler(
    fresh_database_url: str, size: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with pooled(fresh_database_url, default_pool_size=size) as url:
        async with serve(url, None) as served:
            answers = await asyncio.gather(
                *(served.token("acme-machine", grant_type="client_credentials") for _ in range(60))
            )
            assert served.runtime.storage.listening
    assert [answer.status_code for answer in answers] == [200] * 60
    told = [each for each in caplog.records if each.message == "postgres.pooler_small"]
    assert bool(told) == (size == "5")


async def test_K9_migrations_run_through_a_pooler_one_at_a_time(
    create_database: Callable[..., str],
) -> None:
    with pooled(create_database()) as url:
        done = await asyncio.gather(migrate.up(url), migrate.up(url))
        assert sorted(map(len, done)) == [0, len(migrations())]
        assert await migrate.unapplied(url) == []


async def test_K9_changes_are_heard_through_a_pooler(database_url: str) -> None:
    heard: list[tuple[str, str]] = []
    with pooled(database_url) as url:
        postgres = await Postgres.open(url, 1)
        postgres.listen(lambda table, key: heard.append((table, key)))

        async def listening() -> bool:
            return postgres.listening

        await eventually(listening)
        await postgres.execute("SELECT pg_notify('porta_changed', 'test:end')")

        async def arrived() -> bool:
            return ("test", "end") in heard

        await eventually(arrived)
        await postgres.close()


async def test_K9_an_abandoned_statement_is_ended_behind_a_pooler(
    database_url: str, pg: Postgres
) -> None:
    running = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE query LIKE '%behind a pooler%' AND state = 'active' AND pid <> pg_backend_pid()"
    )
    with pooled(database_url) as url:
        postgres = await Postgres.open(url, 1)
        pid = await postgres.fetchrow("SELECT pg_backend_pid()")
        task = asyncio.ensure_future(postgres.fetch("SELECT pg_sleep(60) /* behind a pooler */"))

        async def runs() -> bool:
            return await pg.fetchrow(running) == (1,)

        await eventually(runs)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await postgres.fetchrow("SELECT pg_backend_pid()") == pid, "and is used again"
        await postgres.close()


async def test_K9_a_session_that_lost_what_was_prepared_is_given_up(database_url: str) -> None:
    """It stopped being ours: that is a fault of the connection, and none of the statement."""
    for spoil in ("DEALLOCATE ALL", "DISCARD ALL"):
        postgres = await Postgres.open(database_url, 1)
        assert await postgres.fetchrow(_ADD, {"a": 1, "b": 1}) == (2,)
        await postgres.execute(spoil)
        with pytest.raises(Unreachable):
            await postgres.fetch(_ADD, {"a": 1, "b": 1})
        assert await postgres.fetchrow(_ADD, {"a": 1, "b": 1}) == (2,)
        await postgres.close()
