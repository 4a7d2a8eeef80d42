"""porta migrate finish: the way back is closed when an operator says so (succession A23)."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from porta.cli.migrate import migrate
from storage.postgres import migrate as runner
from storage.postgres import way_back
from storage.postgres.driver import Postgres
from storage.postgres.migrate import MigrationRefused
from storage.postgres.way_back import WayBack
from tests.succession import porta_1x
from tests.succession.conftest import take_over
from tests.succession.sign_in import serving, tokens

_COMMAND = [sys.executable, "-m", "porta", "migrate", "finish", "--database-url"]
_GONE = "UPDATE oidc_payloads SET expires_at = now() - interval '1 second'"
_MANY = """
    INSERT INTO oidc_payloads (id, type, payload, grant_id, expires_at)
    SELECT 'many' || n, CASE n % 3 WHEN 0 THEN 'RefreshToken' ELSE 'AccessToken' END,
        jsonb_build_object('filler', repeat('x', 1500)), 'g' || n,
        now() + CASE n % 2 WHEN 0 THEN interval '1 day' ELSE interval '-1 day' END
    FROM generate_series(1, 12000) n
"""


async def _run(url: str, *arguments: str, input: str | None = None) -> Result:
    """Run a command, which has a loop of its own, in a thread."""
    env = {"DATABASE_URL": url}
    return await asyncio.to_thread(CliRunner().invoke, migrate, arguments, env=env, input=input)


async def _tables(database: Postgres) -> set[str]:
    rows = await database.fetch("SELECT relname FROM pg_class WHERE relkind = 'r'")
    return {row[0] for row in rows} & {"oidc_payloads", "admin_sessions", "pgmigrations"}


async def test_succession_A23_status_tells_whether_the_way_back_is_open(
    of_1x: str, create_database: Callable[..., str]
) -> None:
    assert "way back to Porta 1.x is open" in (await _run(of_1x, "status")).output
    take_over(of_1x)
    for output in ("status", "status --json"):
        assert "way back to Porta 1.x is open" in (await _run(of_1x, *output.split())).output
    listed = await _run(of_1x, "status", "--json")
    assert json.loads(listed.stdout)[0]["id"] == 1, "a list of migrations, and nothing else"
    assert (await _run(of_1x, "finish", "--yes")).exit_code == 0
    assert "way back to Porta 1.x is closed" in (await _run(of_1x, "status")).output
    ours = create_database()
    take_over(ours)
    assert "way back" not in (await _run(ours, "status")).output


async def test_succession_A23_nothing_is_removed_before_somebody_says_so(
    adopted: str, database: Postgres
) -> None:
    before = await porta_1x.read(database)
    asked = await _run(adopted, "finish", input="n\n")
    assert asked.exit_code == 1
    for table in ("oidc_payloads", "admin_sessions", "pgmigrations"):
        assert table in asked.output, "told beforehand"
    unanswered = subprocess.run(
        [*_COMMAND, adopted],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert unanswered.returncode == 2
    assert "--yes" in unanswered.stderr
    assert await porta_1x.read(database) == before
    assert await way_back.find(adopted) is WayBack.OPEN


async def test_succession_A23_what_only_1x_read_goes_and_we_serve_on(
    adopted: str, database: Postgres
) -> None:
    await database.execute(_GONE)
    before = await porta_1x.read(database)
    done = await _run(adopted, "finish", "--yes")
    assert done.exit_code == 0, done.output
    assert await _tables(database) == set()
    for table, rows in before.items():
        if table in ("oidc_payloads", "admin_sessions", "pgmigrations"):
            assert f"{table} is gone" in done.output
        else:
            found = await database.fetch(f"SELECT count(*) FROM {table}")
            assert found[0][0] >= len(rows), table
    again = await _run(adopted, "finish", "--yes")
    assert again.exit_code == 0
    assert "Nothing to do" in again.output
    assert (await _run(adopted, "up")).exit_code == 0
    async with serving(adopted) as served:
        assert "id_token" in await tokens(served)


async def test_succession_A23_living_refresh_tokens_stay_until_they_have_expired(
    adopted: str, database: Postgres
) -> None:
    await database.execute(_MANY)
    done = await _run(adopted, "finish", "--yes")
    assert done.exit_code == 0, done.output
    assert await _tables(database) == {"oidc_payloads"}
    left = await database.fetch("SELECT type, count(*) FROM oidc_payloads GROUP BY 1 ORDER BY 1")
    assert left == [("Grant", 1), ("RefreshToken", 2002)]
    assert "2002 refresh tokens of 1.x are still good" in done.output
    assert await way_back.find(adopted) is WayBack.CLOSED
    await database.execute(_GONE)
    assert (await _run(adopted, "finish", "--yes")).exit_code == 0
    assert await _tables(database) == set()


async def test_succession_A23_whoever_is_killed_calls_again(
    adopted: str, database: Postgres
) -> None:
    await database.execute(_MANY)
    for _ in range(3):
        process = subprocess.Popen(
            [*_COMMAND, adopted, "--yes"],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()  # a batch is gone
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        assert await way_back.find(adopted) is WayBack.CLOSED
    done = await _run(adopted, "finish", "--yes")
    assert done.exit_code == 0, done.output
    assert "2002 refresh tokens" in done.output


async def test_succession_A23_two_at_once_finish_once(adopted: str, database: Postgres) -> None:
    await database.execute(_GONE)
    done = await asyncio.gather(*(way_back.finish(adopted, lambda *_: None) for _ in range(2)))
    assert {len(each.dropped) for each in done} == {3}
    assert await _tables(database) == set()


async def test_succession_A23_there_is_nothing_to_finish_elsewhere(
    of_1x: str, create_database: Callable[..., str]
) -> None:
    for url, said in ((of_1x, "porta migrate up"), (create_database(), "porta migrate up")):
        refused = await _run(url, "finish", "--yes")
        assert refused.exit_code == 1
        assert said in refused.output
    ours = create_database()
    take_over(ours)
    with pytest.raises(MigrationRefused, match="nothing to finish"):
        await way_back.finish(ours, lambda *_: None)


def test_succession_A23_no_later_migration_counts_on_what_is_gone() -> None:
    mentioned = {
        f"{each.version:04}_{each.name}"
        for each in runner.migrations()
        if each.version > 29 and re.search("oidc_payloads|admin_sessions|FROM pgmig", each.sql)
    }
    asking = {"0031_legacy_tokens", "0060_withdrawn_consents"}
    assert mentioned == asking, "which ask whether the table is there"
