"""Guard of other people's databases: only an empty one is seeded, or one that bears our mark."""

from __future__ import annotations

from porta.errors import Conflict
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


async def put_mark(storage: Storage, mark: str) -> None:
    """Mark the database as one that this folder seeds, so that it is let in again."""
    if (await storage.system_config.all()).get(_MARK) != mark:
        await storage.system_config.put(_MARK, mark, "string", _MEANING)
