"""Migrations beside a Porta 1.x that serves (succession A4, A5)."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from storage.postgres import adoption, migrate, migration_books
from storage.postgres.driver import Postgres
from storage.postgres.migrate import Migration
from storage.postgres.migration_lock import locked
from storage.postgres.migration_steps import parse_steps
from tests.succession import porta_1x
from tests.succession.conftest import take_over
from tests.succession.traffic import traffic
from tests.world.databases import run_apart
from tests.world.waiting import eventually

_BEFORE = Path(__file__).parents[1] / "storage" / "fixtures" / "0016_in_one.sql"
_OLD = "58efc7cec4ff05632783f7dd1e82272d38957b2ebfb1825bcb09927a0d41ea2d"
_FILL = """
    INSERT INTO audit_log (event_type, event_category, created_at)
    SELECT 'x', 'admin', now() - (n % 977) * interval '1 hour' FROM generate_series(1, {}) n
"""
_IN_ORDER = """
    SELECT count(*), count(DISTINCT sequence), min(sequence), count(*) FILTER (WHERE before > (
        created_at, id)) FROM (SELECT sequence, created_at, id,
        lag((created_at, id)) OVER (ORDER BY sequence) AS before FROM audit_log
        WHERE sequence <= %(last)s) numbered
"""
_OURS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'porta migrate%%'"
_SLOW = """
import asyncio, sys
from storage.postgres import migrate
from storage.postgres.migrate import Migration
slow = Migration(9000, "slow", "SELECT pg_sleep(600)", "slow")
asyncio.run(migrate.up(sys.argv[1], [*migrate.migrations(), slow]))
"""


async def _start(url: str, *command: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, *(command or ("-m", "porta", "migrate", "up", "--database-url")), url,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "SIGNING_KEY_ENCRYPTION_KEY": porta_1x.KEY},
    )  # fmt: skip


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()


async def _nobody_migrates(database: Postgres) -> None:
    async def gone() -> bool:
        return not await database.fetch(_OURS, {})

    await eventually(gone, 60)


async def test_succession_A4_nobody_waits_behind_a_migration_that_waits(
    of_1x: str, database: Postgres
) -> None:
    """A report of 1.x reads the log for as long as it takes; sign-ins go on meanwhile."""
    told: asyncio.Queue[str] = asyncio.Queue()
    insert = porta_1x.WRITES["an entry of the audit log"]
    async with database.transaction() as report:
        await report.fetch("SELECT count(*) FROM audit_log")
        ((pid,),) = await report.fetch("SELECT pg_backend_pid()")
        files = [each for each in migrate.migrations() if each.version <= 16]
        up = asyncio.create_task(migrate.up(of_1x, files, waiting=told.put_nowait, seal=_seal))
        async with asyncio.timeout(60):
            said = await told.get()
        assert f"PostgreSQL process {pid}" in said
        assert "idle in transaction" in said
        for _ in range(20):
            await database.execute(insert)
        assert not up.done()
    assert "0016_audit_chain" in await up


def _seal(kid: str, private_key: str) -> tuple[str, str, str]:
    from porta.security.encryption import encrypt

    return encrypt(private_key, bytes.fromhex(porta_1x.KEY))


async def test_succession_A4_with_1x_serving_every_entry_gets_its_place(
    of_1x: str, database: Postgres
) -> None:
    await database.execute(_FILL.format(20_000))
    ((old,),) = await database.fetch("SELECT count(*) FROM audit_log")
    async with traffic(of_1x, lanes=2) as seen:
        up = await _start(of_1x)
        _, said = await up.communicate()
        assert up.returncode == 0, said
        assert seen.sent > 0
    ((count, distinct, first, disorder),) = await database.fetch(_IN_ORDER, {"last": old})
    assert (count, distinct, first, disorder) == (old, old, 1, 0)
    ((total, last, missing),) = await database.fetch(
        "SELECT count(*), max(sequence), count(*) FILTER (WHERE sequence IS NULL) FROM audit_log"
    )
    assert (total, missing) == (last, 0), "nothing is left out, of what came meanwhile either"
    await database.execute(porta_1x.WRITES["an entry of the audit log"])
    assert await database.fetch("SELECT max(sequence) FROM audit_log") == [(last + 1,)]


async def test_succession_A4_killed_at_any_moment_it_goes_on_where_it_was(
    of_1x: str, database: Postgres
) -> None:
    await database.execute(_FILL.format(12_000))
    for share in range(10):
        process = await _start(of_1x)

        async def so_far(process: asyncio.subprocess.Process = process, share: int = share) -> bool:
            if process.returncode is not None:
                return True
            numbered = "sequence IS NOT NULL" if await _has_column(database) else "FALSE"
            rows = await database.fetch(f"SELECT count(*) FROM audit_log WHERE {numbered}")
            return bool(rows[0][0] >= share * 1200)

        await eventually(so_far, 120)
        await _kill(process)
        await _nobody_migrates(database)
    assert (await _start_and_end(of_1x)) == 0
    assert await migrate.unapplied(of_1x) == []
    ((count, distinct, first, disorder),) = await database.fetch(_IN_ORDER, {"last": 10**9})
    assert (count, distinct, first, disorder) == (12_402, 12_402, 1, 0)


async def _has_column(database: Postgres) -> bool:
    return await migration_books.has_columns(database, "audit_log", "sequence")


async def _start_and_end(url: str) -> int:
    process = await _start(url)
    _, said = await process.communicate()
    assert process.returncode == 0, said
    return process.returncode


async def test_succession_A4_an_index_that_was_left_half_built_is_built_anew(
    of_1x: str, database: Postgres
) -> None:
    await database.execute("ALTER TABLE audit_log ADD COLUMN sequence BIGINT")
    await database.execute("CREATE UNIQUE INDEX idx_audit_log_sequence ON audit_log (sequence)")
    await database.execute(
        "UPDATE pg_index SET indisvalid = FALSE"
        " WHERE indexrelid = 'idx_audit_log_sequence'::regclass"
    )
    take_over(of_1x)
    rows = await database.fetch(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    )
    assert rows == []


async def test_succession_A4_who_ran_the_former_file_ends_the_same(
    of_1x: str, create_database: Callable[..., str]
) -> None:
    other = porta_1x.build(create_database)
    former = _BEFORE.read_text(encoding="utf-8")
    files = [
        each if each.version != 16 else Migration(16, each.name, former, _OLD)
        for each in migrate.migrations()
    ]
    await migrate.up(of_1x, files, seal=_seal)
    assert await migrate.unapplied(of_1x) == []
    assert await migrate.up(of_1x) == []
    assert {each.state for each in await migrate.status(of_1x)} == {"applied"}
    take_over(other)
    assert await _shape(of_1x) == await _shape(other)


async def _shape(url: str) -> list[object]:
    pg = await Postgres.open(url, 1)
    found: list[object] = [
        await pg.fetch(sql)
        for sql in (
            "SELECT column_name, data_type, is_nullable, is_identity, identity_generation,"
            " column_default, ordinal_position FROM information_schema.columns"
            " WHERE table_name = 'audit_log' ORDER BY 1",
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_log' ORDER BY 1",
            "SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint"
            " WHERE conrelid = 'audit_log'::regclass ORDER BY 1",
            "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1",
            "SELECT event_type, sequence FROM audit_log ORDER BY sequence",
        )
    ]
    await pg.close()
    return found


_LARGE = r"(audit_log|users|oidc_payloads|artifacts|sessions|token_families)"
_RISKS = {
    "rows written at once": rf"(?m)^(?:UPDATE|DELETE FROM) {_LARGE}\b",
    "an index that keeps writers out": rf"CREATE (?:UNIQUE )?INDEX (?!CONC)\w+ ON {_LARGE}\b",
    "rows read under a lock": r"SET NOT NULL|ADD\s(?:CONSTRAINT\s\w+\s+)?(?:CHECK|UNIQUE|PRIM|FOR)",
}
_JUDGED = {
    ("0016_audit_chain", "rows written at once"): "what came since the last batch",
    ("0016_audit_chain", "rows read under a lock"): "NOT VALID, and a validated constraint",
    ("0014_key_rings", "rows read under a lock"): "a table of some rows",
    ("0015_artifacts", "an index that keeps writers out"): "its own tables, empty",
    (
        "0022_session_browser",
        "an index that keeps writers out",
    ): "a table of ours, empty then",
    ("0027_ring_keys", "rows read under a lock"): "a table of some rows",
    ("0038_job_queue", "rows read under a lock"): "a table of ours, in which nobody has written",
    ("0057_passkeys", "rows read under a lock"): "NOT VALID, validated by a step of its own",
    (
        "0089_encouraged_second_factors",
        "rows read under a lock",
    ): "NOT VALID, validated by a step of its own",
}


def test_succession_A4_no_migration_keeps_a_large_table_from_its_writers() -> None:
    found = {
        (f"{each.version:04}_{each.name}", risk)
        for each in migrate.migrations()
        if each.version > adoption.BASELINE
        for step in parse_steps(each.sql)
        if not step.batch
        for risk, pattern in _RISKS.items()
        if re.search(pattern, step.sql)
    }
    assert found == set(_JUDGED), "batches, CONCURRENTLY, or NOT VALID and VALIDATE"


def test_succession_A4_a_file_is_divided_into_steps() -> None:
    assert [step.sql for step in parse_steps("SELECT 1")] == ["SELECT 1"]
    first, second, third, last = parse_steps(
        "-- why\nSELECT 1;\n-- step: batches of 5\nUPDATE x;\n-- step: concurrently\nCREATE y;\n"
        "-- step: transaction\nSELECT 2;\n"
    )
    assert (first.sql, first.batch, first.concurrently) == ("-- why\nSELECT 1;\n", 0, False)
    assert (second.batch, third.concurrently) == (5, True)
    assert "SELECT 2" in last.sql
    only = parse_steps("-- why\n\n-- step: concurrently\nCREATE y;\n-- step: transaction\n")
    assert [step.concurrently for step in only] == [True, False]


async def test_succession_A5_a_killed_migration_leaves_no_backend_at_work(
    adopted: str, database: Postgres
) -> None:
    process = await _start(adopted, "-c", _SLOW)

    async def at_work() -> bool:
        rows = await database.fetch(f"{_OURS} AND query LIKE '%%pg_sleep%%'", {})
        return bool(rows)

    await eventually(at_work, 60)
    await _kill(process)
    await _nobody_migrates(database)
    async with asyncio.timeout(60):
        assert await migrate.up(adopted) == [], "and no lock"


async def test_succession_A5_who_waits_says_for_whom_and_goes_on(
    of_1x: str, database: Postgres
) -> None:
    async with locked(of_1x) as holder:
        ((pid, since),) = await holder.fetch(
            "SELECT pid, to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')"
            " FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
        process = await _start(of_1x)
        assert process.stderr is not None
        async with asyncio.timeout(60):
            said = (await process.stderr.readline()).decode()
        assert f"PostgreSQL process {pid} since {since}" in said
        assert "from 127.0.0.1" in said
        assert f"porta migrate, process {os.getpid()} on " in said
        assert process.returncode is None
    await process.communicate()
    assert process.returncode == 0
    assert await migrate.unapplied(of_1x) == []
    run_apart(migrate.up(of_1x))
