"""Migrations: applied once, in order, by one runner at a time."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from porta.config.system import Config, build_config
from storage.errors import StorageError
from storage.postgres import migrate
from storage.postgres.driver import Postgres
from storage.postgres.migrate import Migration
from storage.repositories.organizations import Organizations
from storage.repositories.system_config import SystemConfig

_RUNNER = """
import asyncio, sys
from storage.postgres import migrate
print(len(asyncio.run(migrate.up(sys.argv[1]))))
"""


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Postgres]:
    pg = await Postgres.open(url, 2)
    try:
        yield pg
    finally:
        await pg.close()


async def _tables(url: str) -> set[str]:
    async with _opened(url) as pg:
        return {row[0] for row in await pg.fetch("SELECT relname FROM pg_class")}


def _with(*more: str) -> list[Migration]:
    """Return our migrations followed by further ones."""
    last = migrate.migrations()[-1].version
    extra = [Migration(last + i, f"extra{i}", sql, sql) for i, sql in enumerate(more, 1)]
    return [*migrate.migrations(), *extra]


async def test_an_empty_database_is_built_and_then_left_alone(
    create_database: Callable[..., str],
) -> None:
    url = create_database()
    assert len(await migrate.unapplied(url)) == len(migrate.migrations())
    applied = await migrate.up(url)
    assert applied == [f"{each.version:04}_{each.name}" for each in migrate.migrations()]
    assert await migrate.up(url) == []
    assert await migrate.unapplied(url) == []
    assert {each.state for each in await migrate.status(url)} == {"applied"}


async def test_two_runners_in_two_processes_apply_each_file_once(
    create_database: Callable[..., str],
) -> None:
    url = create_database()
    runners = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _RUNNER, url, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    answers = await asyncio.gather(*(runner.communicate() for runner in runners))
    assert sorted(int(output) for output, _ in answers) == [0, 0, len(migrate.migrations())]
    assert await migrate.unapplied(url) == []


async def test_a_file_that_fails_leaves_nothing_and_the_next_run_goes_on(
    fresh_database_url: str,
) -> None:
    url = fresh_database_url
    broken = _with("CREATE TABLE good ()", "CREATE TABLE half (); SELECT nonsense")
    names = [f"{each.version:04}_{each.name}" for each in broken[-2:]]
    applied: list[str] = []
    with pytest.raises(StorageError, match=f"{names[1]} failed: UndefinedColumn") as failed:
        await migrate.up(url, broken, applied=applied.append)
    assert isinstance(failed.value, migrate.MigrationFailed)
    assert applied == names[:1], "told of as soon as it is applied"
    assert {"good", "half"} & await _tables(url) == {"good"}
    mended = _with("CREATE TABLE good ()", "CREATE TABLE half ()")
    assert len(await migrate.up(url, mended)) == 1
    assert "half" in await _tables(url)


@pytest.mark.parametrize(
    "foreign",
    [
        "CREATE TABLE users (id int)",
        "CREATE TABLE zebras (id int)",
        "CREATE VIEW users AS SELECT 1",
        "CREATE SEQUENCE users",
        "CREATE TYPE users AS (id int)",
        # Ruby on Rails and golang-migrate keep their own under the name of ours.
        "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)",
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty bool)",
        "CREATE TABLE pgmigrations (version bigint)",
    ],
)
async def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(
    create_database: Callable[..., str], foreign: str
) -> None:
    url = create_database()
    async with _opened(url) as pg:
        await pg.execute(foreign)
    before = await _tables(url)
    name = foreign.split()[2]
    for work in (migrate.up, migrate.plan, migrate.status, migrate.unapplied):
        with pytest.raises(migrate.MigrationRefused, match=rf"\({name}\).*database of its own"):
            await work(url)
    assert await _tables(url) == before


async def test_what_an_extension_brought_is_nobodys_table(
    create_database: Callable[..., str],
) -> None:
    url = create_database()
    async with _opened(url) as pg:
        await pg.execute("CREATE EXTENSION citext; CREATE EXTENSION pg_stat_statements")
    assert len(await migrate.up(url)) == len(migrate.migrations())


async def test_a_schema_of_its_own_will_do(create_database: Callable[..., str]) -> None:
    url = create_database()
    async with _opened(url) as pg:
        await pg.execute("CREATE TABLE users (id int); CREATE SCHEMA porta")
    own = f"{url}?options=-c%20search_path%3Dporta,public"
    assert len(await migrate.up(own)) == len(migrate.migrations())
    assert await migrate.unapplied(own) == []


async def test_a_file_that_was_changed_after_it_was_applied_is_refused(
    fresh_database_url: str,
) -> None:
    url = fresh_database_url
    changed = [replace(each, checksum="other") for each in migrate.migrations()[-1:]]
    with pytest.raises(migrate.MigrationRefused, match=changed[0].name):
        await migrate.up(url, [*migrate.migrations()[:-1], *changed])
    async with _opened(url) as pg:
        await pg.execute("UPDATE schema_migrations SET checksum = 'other' WHERE version = 3")
    with pytest.raises(migrate.MigrationRefused, match="0003"):
        await migrate.plan(url)
    assert [(each.version, each.state) for each in await migrate.unapplied(url)] == [(3, "changed")]


async def test_what_a_newer_version_applied_is_no_fault(fresh_database_url: str) -> None:
    url = fresh_database_url
    await migrate.up(url, _with("CREATE TABLE newer ()"))
    assert await migrate.unapplied(url) == []
    assert (await migrate.status(url))[-1].state == "unknown"
    assert await migrate.up(url) == []


async def test_status_and_plan_change_nothing(create_database: Callable[..., str]) -> None:
    url = create_database()
    before = await _tables(url)
    assert {each.applied_at for each in await migrate.status(url)} == {None}
    assert len(await migrate.plan(url)) == len(migrate.migrations())
    assert await _tables(url) == before


async def test_status_tells_when_each_was_applied(fresh_database_url: str) -> None:
    url = fresh_database_url
    async with _opened(url) as pg:
        await pg.execute("UPDATE schema_migrations SET applied_at = to_timestamp(86400)")
    await migrate.up(url, _with("CREATE TABLE newer ()"))
    *ours, newer = await migrate.status(url)
    assert {each.applied_at for each in ours} == {86400.0}
    assert newer.applied_at is not None
    assert newer.applied_at > 86400


def test_the_files_have_numbers_of_their_own_and_use_two_extensions_of_contrib() -> None:
    files = migrate.migrations()
    versions = [each.version for each in files]
    assert versions == sorted(set(versions))
    extensions = {
        name for each in files for name in re.findall(r"CREATE EXTENSION.*?(\w+);", each.sql)
    }
    assert extensions == {"citext", "pg_trgm"}


async def test_a_fresh_database_has_the_organization_that_administers(pg: Postgres) -> None:
    admin = await Organizations(pg).find_by_slug("porta-admin")
    assert admin is not None
    assert admin.is_super_admin
    assert admin.branding_company_name == "Porta"


async def test_the_seeded_settings_are_the_defaults(pg: Postgres) -> None:
    rows = await SystemConfig(pg).all()
    assert rows
    assert build_config(rows) == Config()
