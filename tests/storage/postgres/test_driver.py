"""The door to PostgreSQL: statements, transactions, and every way a connection is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import uvloop
from psycopg2.extensions import make_dsn

from porta.dev.servers import start_postgres
from storage.errors import AlreadyExists, StorageError, Unreachable
from storage.postgres.driver import Postgres
from storage.postgres.statement import Statement
from tests.world.ports import free_port
from tests.world.relay import relay
from tests.world.waiting import eventually, stopwatch

_ADD = Statement("add", "SELECT %(a)s::int + %(b)s::int")


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def table(pg: Postgres) -> None:
    await pg.execute("CREATE TABLE things (name TEXT CONSTRAINT things_name PRIMARY KEY)")


class OwnServer:
    """A server of one test's own, to be frozen, stopped and started where it was."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.start()

    def start(self) -> None:
        settings = {"fsync": "off", "port": str(self._port)}
        self._running = start_postgres(self._folder, settings=settings)

    def stop(self) -> None:
        self._running.stop()

    @property
    def url(self) -> str:
        parts = urlsplit(self._running.url)
        account = parts.netloc.rpartition("@")[0]
        return f"postgresql://{account}@127.0.0.1:{self._port}{parts.path}"

    @property
    def pid(self) -> int:
        assert self._running.pid is not None
        return self._running.pid


@pytest.fixture(scope="module")
def server_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "postgres"


@pytest.fixture
def own_server(server_folder: Path) -> Iterator[OwnServer]:
    server = OwnServer(server_folder)
    yield server
    server.stop()


@contextlib.asynccontextmanager
async def _opened(
    url: str, size: int = 1, *, statement_timeout: float = 3.0
) -> AsyncIterator[Postgres]:
    postgres = await Postgres.open(url, size, statement_timeout=statement_timeout)
    try:
        yield postgres
    finally:
        await postgres.close()


async def _one(pg: Postgres, sql: str) -> object:
    row = await pg.fetchrow(sql)
    assert row is not None
    return row[0]


async def _until(awaitable: Awaitable[object], seconds: float = 30) -> object:
    async with asyncio.timeout(seconds):
        return await awaitable


async def _heal(pg: Postgres, seconds: float = 5) -> float:
    """Return the seconds until the pool answers again."""
    async with stopwatch() as passed:
        while True:
            with contextlib.suppress(Unreachable):
                await pg.fetch("SELECT 1")
                return passed()
            assert passed() < seconds
            await asyncio.sleep(0.05)


# statements


async def test_rows_come_back_as_plain_values(pg: Postgres) -> None:
    row = await pg.fetchrow(
        """SELECT '{"a": 1}'::json, '{"a": 1}'::jsonb, ARRAY['x', 'y'], 1.5::float8, NULL,
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'Ä'::citext, 5::bigint, TRUE"""
    )
    assert row == (
        '{"a": 1}',
        '{"a": 1}',
        ["x", "y"],
        1.5,
        None,
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "Ä",
        5,
        True,
    )


@pytest.mark.parametrize("value", ["'; DROP TABLE things; --", "%s %(a)s %%", "\\' \n", "é\u2028"])
async def test_parameters_are_values_and_nothing_else(pg: Postgres, value: str) -> None:
    assert await pg.fetchrow("SELECT %(v)s::text", {"v": value}) == (value,)
    statement = Statement("echo", "SELECT %(v)s::text")
    assert await pg.fetchrow(statement, {"v": value}) == (value,)
    assert await pg.fetchrow(statement, {"v": value}) == (value,)


async def test_no_row_is_none_and_an_answer_without_rows_is_empty(pg: Postgres) -> None:
    assert await pg.fetchrow("SELECT 1 WHERE FALSE") is None
    assert await pg.fetch("SET search_path TO public") == []


async def test_execute_counts_the_rows_it_touched(pg: Postgres) -> None:
    assert await pg.execute("INSERT INTO things SELECT 'n' || g FROM generate_series(1, 3) g") == 3
    assert await pg.execute("DELETE FROM things WHERE name = 'none'") == 0


async def test_large_statements_and_answers_pass(pg: Postgres) -> None:
    large = "x" * 5_000_000
    assert await pg.fetchrow("SELECT %(large)s", {"large": large}) == (large,)


async def test_a_statement_is_prepared_once_on_each_connection(database_url: str) -> None:
    async with _opened(database_url) as pg:
        for a in range(3):
            assert await pg.fetchrow(_ADD, {"b": 2, "a": a}) == (a + 2,)
        prepared = await pg.fetch("SELECT name, generic_plans FROM pg_prepared_statements")
        assert prepared == [("add_1", 3)]


async def test_a_statement_whose_first_runs_fail_is_prepared_once(database_url: str) -> None:
    async with _opened(database_url) as pg:
        insert = Statement("insert_thing", "INSERT INTO things VALUES (%(name)s)")
        await pg.execute("INSERT INTO things VALUES ('taken')")
        for _ in range(3):
            with pytest.raises(AlreadyExists):
                await pg.execute(insert, {"name": "taken"})
        with pytest.raises(AlreadyExists):
            async with pg.transaction() as tx:
                await tx.execute(insert, {"name": "taken"})
        for name in ("free", "free too"):
            assert await pg.execute(insert, {"name": name}) == 1
        assert await _one(pg, "SELECT count(*) FROM pg_prepared_statements") == 1


async def test_what_cannot_be_prepared_yet_is_prepared_when_it_can(database_url: str) -> None:
    async with _opened(database_url) as pg:
        read = Statement("read_later", "SELECT name FROM later WHERE name = %(name)s")
        for _ in range(2):
            with pytest.raises(StorageError):
                await pg.fetch(read, {"name": "a"})
        with pytest.raises(StorageError):
            async with pg.transaction() as tx:
                await tx.fetch(read, {"name": "a"})
        await pg.execute("CREATE TABLE later (name TEXT)")
        assert await pg.fetch(read, {"name": "a"}) == []


async def test_a_first_run_that_takes_too_long_leaves_one_statement(database_url: str) -> None:
    async with _opened(database_url, statement_timeout=0.5) as pg:
        slow = Statement("slow", "SELECT pg_sleep(60), %(x)s::text")
        for _ in range(3):
            with pytest.raises(Unreachable):
                await pg.fetch(slow, {"x": "a"})
        assert await _one(pg, "SELECT count(*) FROM pg_prepared_statements") == 1


async def test_a_prepared_statement_outlives_a_new_column(database_url: str) -> None:
    async with _opened(database_url) as pg:
        read = Statement("read_wide", "SELECT name FROM wide WHERE name = %(name)s")
        await pg.execute("CREATE TABLE wide (name TEXT)")
        await pg.execute("INSERT INTO wide VALUES ('a')")
        assert await pg.fetchrow(read, {"name": "a"}) == ("a",)
        await pg.execute("ALTER TABLE wide ADD COLUMN more TEXT")
        assert await pg.fetchrow(read, {"name": "a"}) == ("a",)


# refusals


async def test_a_broken_unique_constraint_is_named(pg: Postgres) -> None:
    await pg.execute("INSERT INTO things VALUES ('once')")
    with pytest.raises(AlreadyExists) as caught:
        await pg.execute("INSERT INTO things VALUES ('once')")
    assert caught.value.constraint == "things_name"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO things VALUES (NULL, %(secret)s)",
        "SELECT nonsense FROM things WHERE name = %(secret)s",
        "INSERT INTO things SELECT NULL WHERE %(secret)s <> ''",
    ],
)
async def test_a_refusal_does_not_repeat_what_was_to_be_stored(pg: Postgres, sql: str) -> None:
    with pytest.raises(StorageError) as caught:
        await pg.execute(sql, {"secret": "s3cr3t"})
    assert not isinstance(caught.value, Unreachable)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_the_connection_survives_a_refusal(database_url: str) -> None:
    async with _opened(database_url) as pg:
        pid = await _one(pg, "SELECT pg_backend_pid()")
        with pytest.raises(StorageError):
            await pg.fetch("SELECT nonsense")
        assert await _one(pg, "SELECT pg_backend_pid()") == pid


# transactions


async def test_a_transaction_is_committed(pg: Postgres) -> None:
    before = pg.round_trips
    async with pg.transaction() as tx:
        await tx.execute("INSERT INTO things VALUES ('first')")
        assert await pg.fetch("SELECT name FROM things WHERE name = 'first'") == []
        await tx.execute("INSERT INTO things VALUES ('second')")
    assert await pg.execute("SELECT name FROM things WHERE name IN ('first', 'second')") == 2
    assert pg.round_trips == before + 5  # BEGIN travels with the first statement


async def test_a_transaction_is_rolled_back(pg: Postgres) -> None:
    async def work() -> None:
        async with pg.transaction() as tx:
            await tx.execute("INSERT INTO things VALUES ('undone')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert await pg.fetchrow("SELECT 1 FROM things WHERE name = 'undone'") is None


async def test_a_transaction_without_a_statement_sends_nothing(pg: Postgres) -> None:
    before = pg.round_trips
    async with pg.transaction():
        pass
    assert pg.round_trips == before


async def test_a_failure_that_was_caught_inside_is_not_committed_in_silence(pg: Postgres) -> None:
    async def work() -> None:
        async with pg.transaction() as tx:
            await tx.execute("INSERT INTO things VALUES ('half')")
            with contextlib.suppress(StorageError):
                await tx.execute("SELECT nonsense")

    with pytest.raises(StorageError, match="rolled back"):
        await work()
    assert await pg.fetchrow("SELECT 1 FROM things WHERE name = 'half'") is None


async def test_a_connection_comes_back_clean_after_a_transaction_failed(database_url: str) -> None:
    async with _opened(database_url) as pg:
        pid = await _one(pg, "SELECT pg_backend_pid()")
        for sql in ("SELECT nonsense", "SELEC"):
            with pytest.raises(StorageError):
                async with pg.transaction() as tx:
                    await tx.execute(sql)
            assert await _one(pg, "SELECT pg_backend_pid()") == pid


@pytest.mark.parametrize("left_by", [ZeroDivisionError, asyncio.CancelledError])
async def test_what_leaves_a_transaction_is_not_replaced_when_its_connection_is_lost(
    pg: Postgres, database_url: str, left_by: type[BaseException]
) -> None:
    async def work(small: Postgres) -> None:
        async with small.transaction() as tx:
            ((pid,),) = await tx.fetch("SELECT pg_backend_pid()")
            await pg.execute("SELECT pg_terminate_backend(%(pid)s)", {"pid": pid})
            alive = "SELECT pid FROM pg_stat_activity WHERE pid = %(pid)s"
            while await pg.fetch(alive, {"pid": pid}):
                await asyncio.sleep(0.01)
            raise left_by

    async with _opened(database_url) as small:
        with pytest.raises(left_by):
            await work(small)
        assert await _one(small, "SELECT 1") == 1


# cancelled callers


async def test_the_answer_of_a_cancelled_caller_reaches_nobody(database_url: str) -> None:
    async with _opened(database_url, size=2) as pg:
        for moment in (0, 0.001, 0.01, 0.03):
            for _ in range(10):
                task = asyncio.ensure_future(pg.fetch("SELECT 'theirs', pg_sleep(0.02)"))
                await asyncio.sleep(moment)
                task.cancel()
                assert await pg.fetch("SELECT 'ours'") == [("ours",)]


async def test_a_cancelled_statement_is_ended_in_the_server(pg: Postgres) -> None:
    statement = "SELECT pg_sleep(60) /* abandoned */"
    running = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE query LIKE '%abandoned%' AND state = 'active' AND pid <> pg_backend_pid()"
    )
    task = asyncio.ensure_future(pg.fetch(statement))

    async def runs() -> bool:
        return await _one(pg, running) == 1

    async def ended() -> bool:
        return await _one(pg, running) == 0

    await eventually(runs)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(ended)


async def test_a_cancelled_statement_gives_its_slot_back(database_url: str) -> None:
    async with _opened(database_url) as pg:
        pid = await _one(pg, "SELECT pg_backend_pid()")
        with pytest.raises(TimeoutError):
            await _until(pg.fetch("SELECT pg_sleep(60)"), 0.05)
        assert await _one(pg, "SELECT pg_backend_pid()") == pid


async def test_a_cancelled_transaction_is_undone(database_url: str) -> None:
    async with _opened(database_url) as pg:
        inserted = asyncio.Event()

        async def work() -> None:
            async with pg.transaction() as tx:
                await tx.execute("INSERT INTO things VALUES ('cancelled')")
                inserted.set()
                await tx.execute("SELECT pg_sleep(60)")

        task = asyncio.ensure_future(work())
        await inserted.wait()
        await asyncio.sleep(0.05)  # so that mostly the second statement runs
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await pg.fetchrow("SELECT 1 FROM things WHERE name = 'cancelled'") is None


async def test_a_caller_cancelled_while_it_waits_loses_no_connection(database_url: str) -> None:
    async with _opened(database_url) as pg:
        for _ in range(20):
            holder = asyncio.ensure_future(pg.fetch("SELECT pg_sleep(0.01)"))
            await asyncio.sleep(0)
            waiters = [asyncio.ensure_future(pg.fetch("SELECT 1")) for _ in range(3)]
            await asyncio.sleep(0.005)
            waiters[0].cancel()
            await holder
            waiters[1].cancel()
        assert await _one(pg, "SELECT 1") == 1


# limits of time


async def test_waiting_for_a_slot_is_bounded(database_url: str) -> None:
    async with _opened(database_url) as pg, pg.connection() as held:
        await held.fetch("SELECT 1")
        began = time.monotonic()
        async with stopwatch() as seconds:
            with pytest.raises(Unreachable, match="became free"):
                await pg.fetch("SELECT 1")
            assert seconds() < 2.8
        assert time.monotonic() - began > 1.8


async def test_the_server_ends_a_statement_that_takes_too_long(database_url: str) -> None:
    async with _opened(database_url, statement_timeout=0.5) as pg:
        with pytest.raises(Unreachable, match="QueryCanceled"):
            await pg.fetch("SELECT pg_sleep(60)")
        assert await _one(pg, "SELECT 1") == 1


async def test_a_frozen_server_is_given_up_and_the_loop_goes_on(own_server: OwnServer) -> None:
    async with _opened(own_server.url, statement_timeout=0.5) as pg:
        pid = await _one(pg, "SELECT pg_backend_pid()")
        assert isinstance(pid, int)
        frozen = (pid, own_server.pid)
        gaps = asyncio.ensure_future(_longest_gap(3))
        try:
            for process in frozen:
                os.kill(process, signal.SIGSTOP)
            async with stopwatch() as seconds:
                with pytest.raises(Unreachable):
                    await pg.fetch("SELECT 1")
                assert seconds() < 2.5
                with pytest.raises(Unreachable):
                    await pg.fetch("SELECT 1")
                assert seconds() < 5
        finally:
            for process in frozen:
                os.kill(process, signal.SIGCONT)
        assert await gaps < 10  # blocked, it would thaw nothing, and stand still for ever
        assert await _heal(pg) < 5


async def _longest_gap(seconds: float) -> float:
    """Return how long the loop stood still at most."""
    longest, last = 0.0, time.monotonic()
    ends = last + seconds
    while last < ends:
        await asyncio.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    return longest


async def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    async def swallow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with _opened(f"postgresql://porta@127.0.0.1:{port}/porta", size=1) as pg:
        gaps = asyncio.ensure_future(_longest_gap(1.5))
        async with stopwatch() as seconds:
            answers = await asyncio.gather(
                *(pg.fetch("SELECT 1") for _ in range(5)), return_exceptions=True
            )
            assert all(isinstance(answer, Unreachable) for answer in answers)
            assert seconds() < 3
        assert await gaps < 1.5  # blocking it would take as long as the attempt: two seconds
        async with asyncio.timeout(30):  # the first attempt is given up, not only its callers
            while len(writers) < 2:
                with pytest.raises(Unreachable):
                    await pg.fetch("SELECT 1")
    for writer in writers:
        writer.close()
    server.close()


@pytest.mark.parametrize("named", ["host", "hostaddr"])
async def test_the_next_address_is_tried_when_one_says_nothing(
    database_url: str, named: str
) -> None:
    """The one in front keeps quiet for all the time that it is given, and not for the others'."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        parts = urlsplit(database_url)
        dsn = make_dsn(
            **{named: ",".join(["127.0.0.1"] * 3)},
            port=f"{silent.getsockname()[1]},1,{parts.port}",
            dbname=parts.path[1:],
            user=parts.username or "",
            password=parts.password or "",
        )
        async with _opened(dsn, size=2) as pg:
            assert await _heal(pg, 15) < 15
            async with pg.connection() as held:
                await held.fetch("SELECT 1")
                async with stopwatch() as seconds:
                    await pg.fetch("SELECT 1")
                    assert seconds() < 1.8, "the one that answered is connected to first"


async def test_K6_a_silent_server_is_left_with_every_connection(database_url: str) -> None:
    """Whoever comes next must not wait for the same silence on another connection."""
    parts = urlsplit(database_url)
    async with relay(database_url) as (wire, url):
        hosts = f"127.0.0.1:{urlsplit(url).port},127.0.0.1:{parts.port}"
        both = url.replace(f"127.0.0.1:{urlsplit(url).port}", hosts)
        async with _opened(both, size=4, statement_timeout=0.5) as pg:
            await asyncio.gather(*(pg.fetch("SELECT pg_sleep(0.1)") for _ in range(4)))
            wire.silence()
            with pytest.raises(Unreachable, match="in time"):
                await pg.fetch("SELECT 1")
            said = []
            while True:
                try:
                    await pg.fetch("SELECT 1")
                    break
                except Unreachable as fault:
                    said.append(str(fault))
            assert "the database does not answer in time" not in said
            assert len(said) < 3


# lost connections


async def _lose(pg: Postgres, small: Postgres) -> object:
    """Have the server end the one connection of `small`; return its pid when that is known."""
    pid = await _one(small, "SELECT pg_backend_pid()")
    (wire,) = small._pool._wires
    await pg.execute("SELECT pg_terminate_backend(%(pid)s)", {"pid": pid})

    async def noticed() -> bool:
        return bool(wire.closed)

    await eventually(noticed)
    return pid


async def test_an_idle_connection_that_was_lost_is_replaced(
    pg: Postgres, database_url: str
) -> None:
    async with _opened(database_url) as small:
        for _ in range(3):
            pid = await _lose(pg, small)
            assert await _one(small, "SELECT pg_backend_pid()") != pid


async def test_a_statement_under_way_fails_with_its_connection(
    pg: Postgres, database_url: str
) -> None:
    async with _opened(database_url) as small:
        pid = await _one(small, "SELECT pg_backend_pid()")
        task = asyncio.ensure_future(small.fetch("SELECT pg_sleep(60)"))

        async def runs() -> bool:
            sql = "SELECT pid FROM pg_stat_activity WHERE pid = %(pid)s AND state = 'active'"
            return bool(await pg.fetch(sql, {"pid": pid}))

        await eventually(runs)
        await pg.execute("SELECT pg_terminate_backend(%(pid)s)", {"pid": pid})
        with pytest.raises(Unreachable):
            await task
        assert await _one(small, "SELECT 1") == 1


async def test_a_transaction_fails_with_its_connection(pg: Postgres, database_url: str) -> None:
    async with _opened(database_url) as small:

        async def work() -> None:
            async with small.transaction() as tx:
                await tx.execute("INSERT INTO things VALUES ('lost')")
                pid = await tx.fetch("SELECT pg_backend_pid()")
                await pg.execute("SELECT pg_terminate_backend(%(pid)s)", {"pid": pid[0][0]})
                await tx.execute("SELECT 1")

        with pytest.raises(Unreachable):
            await work()
        assert await small.fetchrow("SELECT 1 FROM things WHERE name = 'lost'") is None


async def test_the_pool_heals_after_a_restart(own_server: OwnServer) -> None:
    async with _opened(own_server.url, size=4) as pg:
        await asyncio.gather(*(pg.fetch("SELECT pg_sleep(0.05)") for _ in range(4)))
        await asyncio.to_thread(own_server.stop)
        await _refused(pg, 20)
        await asyncio.to_thread(own_server.start)
        assert await _heal(pg) < 2
        assert await asyncio.gather(*(pg.fetch("SELECT 1") for _ in range(8))) == [[(1,)]] * 8


async def _refused(pg: Postgres, times: int, within: float = inf) -> None:
    """Every caller is told at once, and all of them `within` so many seconds."""
    async with stopwatch() as together:
        for _ in range(times):
            async with stopwatch() as seconds:
                with pytest.raises(Unreachable):
                    await pg.fetch("SELECT 1")
                assert seconds() < 1
        assert together() < within


def test_the_pool_works_and_heals_under_uvloop(own_server: OwnServer) -> None:
    async def scene() -> None:
        async with _opened(own_server.url, size=3) as pg:
            for _ in range(3):
                await asyncio.gather(*(pg.fetch(_ADD, {"a": 1, "b": 2}) for _ in range(9)))
                own_server.stop()
                await _refused(pg, 10)
                own_server.start()
                await _heal(pg)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(uvloop.run, scene()).result()


async def test_a_server_that_is_not_there_is_unreachable_at_once() -> None:
    async with _opened("postgresql://porta@127.0.0.1:1/porta", size=3) as pg:
        await _refused(pg, 10, 1)


@pytest.mark.parametrize("host", ["nowhere.invalid", "nowhere.invalid,127.0.0.1"])
async def test_a_host_name_is_resolved_off_the_loop(database_url: str, host: str) -> None:
    url = database_url.replace("127.0.0.1", host)
    async with _opened(url) as pg:
        if host == "nowhere.invalid":
            with pytest.raises(Unreachable):
                await pg.fetch("SELECT 1")


async def test_a_read_only_server_is_not_connected(fresh_database_url: str, pg: Postgres) -> None:
    name = fresh_database_url.rpartition("/")[2]
    async with _opened(fresh_database_url) as small:
        await small.execute("INSERT INTO organizations (name, slug) VALUES ('A', 'a')")
        await pg.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        # The connection that stands still writes; a new one is refused.
        await _lose(pg, small)
        with pytest.raises(Unreachable):
            await small.fetch("SELECT 1")
        await pg.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        assert await _heal(small) < 1


async def test_a_connection_to_a_server_that_became_read_only_is_dropped(
    database_url: str,
) -> None:
    async with _opened(database_url) as pg:
        pid = await _one(pg, "SELECT pg_backend_pid()")
        await pg.execute("SET default_transaction_read_only = on")
        with pytest.raises(Unreachable):
            await pg.execute("INSERT INTO things VALUES ('written')")
        assert await _one(pg, "SELECT pg_backend_pid()") != pid


@contextlib.asynccontextmanager
async def _demoted(server: OwnServer) -> AsyncIterator[None]:
    """Have every session there take no writes, those that stand too."""
    try:
        await _alter(server, "SET default_transaction_read_only = on")
        yield
    finally:
        await _alter(server, "RESET default_transaction_read_only")


async def _alter(server: OwnServer, change: str) -> None:
    async with _opened(f"{server.url}?target_session_attrs=any") as admin:
        await admin.execute(f"ALTER SYSTEM {change}")
        await admin.fetch("SELECT pg_reload_conf()")


@pytest.mark.parametrize("noticed_by", ["a write", "the listener"])
async def test_K6_nothing_is_read_from_a_server_that_was_demoted(
    own_server: OwnServer, noticed_by: str
) -> None:
    """What is revoked is revoked elsewhere: who only reads there would never hear of it."""
    async with _opened(own_server.url, size=4) as pg:

        async def reads() -> int:
            asked = [pg.fetch("SELECT pg_sleep(0.05)") for _ in range(4)]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            return sum(not isinstance(answer, Unreachable) for answer in answers)

        async def refused() -> bool:
            return await reads() == 0 and not pg.listening

        async def listening() -> bool:
            return pg.listening

        if noticed_by == "the listener":
            pg.listen(lambda *_: None)
            await eventually(listening)
        assert await reads() == 4
        async with _demoted(own_server):
            if noticed_by == "a write":
                await eventually(partial(_is_refused, pg, "CREATE TABLE IF NOT EXISTS t ()"))
            await eventually(refused)
        assert await _heal(pg) < 5


async def _is_refused(pg: Postgres, sql: str) -> bool:
    try:
        await pg.execute(sql)
    except Unreachable:
        return True
    return False


async def test_a_closed_pool_refuses(database_url: str) -> None:
    postgres = await Postgres.open(database_url)
    await postgres.fetch("SELECT 1")
    await postgres.close()
    with pytest.raises(Unreachable):
        await postgres.fetch("SELECT 1")


async def test_the_server_knows_the_limits(database_url: str) -> None:
    names = ("statement_timeout", "idle_in_transaction_session_timeout", "application_name")
    postgres = await Postgres.open(database_url, 1)
    values = [await _one(postgres, f"SELECT current_setting('{name}')") for name in names]
    assert values == ["3s", "10s", "porta"]
    await postgres.close()


async def test_tests_an_idle_connection_costs_no_processor_time(database_url: str) -> None:
    async with _opened(database_url) as pg:
        for asked in ("SELECT 1", f"SELECT '{'x' * 5_000_000}'"):  # one that has to be waited for
            await pg.fetch(asked)
            began = time.process_time()
            await asyncio.sleep(1)
            assert time.process_time() - began < 0.05


async def test_the_pool_never_grows_beyond_its_size(database_url: str) -> None:
    async with _opened(database_url, size=3) as pg:
        rows = await asyncio.gather(
            *(pg.fetch("SELECT pg_backend_pid(), pg_sleep(0.01)") for _ in range(30))
        )
        assert len({row[0][0] for row in rows}) == 3
