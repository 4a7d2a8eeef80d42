"""The second step of `porta dev`, in a process of its own: is the database ours? Then seed it.

Its first argument is the mark of the data folder when the database is not in that folder, else
empty; the rest is for `seed`, whose answer it gives.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import click

from porta.cli.commands import report_errors, settings_or_exit
from porta.config.settings import Settings
from porta.dev import seed
from porta.errors import Conflict
from porta.services.usable_keys import check_encryption_key
from storage.postgres import migrate
from storage.postgres.driver import Postgres
from storage.repositories.system_config import SystemConfig
from storage.router import Storage

_MARK = "porta_dev_mark"
_INHABITED = """
    SELECT 1 FROM organizations WHERE NOT is_super_admin
    UNION ALL SELECT 1 FROM users LIMIT 1
"""
"""The organization that administers the others is made by the migrations."""
_MEANING = "The data folder of porta dev that seeded this database"


def main(mark: str, paths: Sequence[str]) -> None:
    """Make sure of the database, then seed; a refusal is an exit code and a message."""
    try:
        settings = settings_or_exit()
        with report_errors():
            asyncio.run(_make_sure(settings, mark))
    except click.ClickException as fault:
        sys.exit(fault.message)
    seed.main(paths)


async def _make_sure(settings: Settings, mark: str) -> None:
    """Raise Conflict unless the database can be seeded; else migrate it, and mark it as ours."""
    if mark:
        await check_ours(settings.database_url, mark)
    await migrate.up(settings.database_url)
    storage = await Storage.open(settings.database_url, None, pool_size=1)
    try:
        key = settings.signing_key_encryption_keys
        check_encryption_key(await storage.signing_keys.list(), key)
        # Before anything is seeded: who is interrupted then must be let in again.
        if mark and (await storage.system_config.all()).get(_MARK) != mark:
            await storage.system_config.put(_MARK, mark, "string", _MEANING)
    finally:
        await storage.close()


async def check_ours(database_url: str, mark: str) -> None:
    """Raise Conflict when the database is inhabited, and without `mark`. Nothing is changed."""
    postgres = await Postgres.open(database_url, size=1)
    try:
        found = await postgres.fetchrow(
            "SELECT current_database(), to_regclass('users') IS NOT NULL,"
            " to_regclass('system_config') IS NOT NULL"
        )
        assert found is not None
        name, migrated, config = found
        if not migrated or not await postgres.fetch(_INHABITED):
            return
        if config and (await SystemConfig(postgres).all()).get(_MARK) == mark:
            return
    finally:
        await postgres.close()
    raise Conflict(
        f"The database {name} holds organizations or people that were not made from this data"
        " folder, and porta dev writes published passwords. Name an empty database in DATABASE_URL,"
        " empty this one, or unset DATABASE_URL to have one started."
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
