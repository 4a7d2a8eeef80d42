"""Hot statements find their rows by key, also with the plan made before there are statistics."""

from __future__ import annotations

import msgspec
import pytest

from storage.postgres.driver import Postgres
from storage.postgres.statement import Statement
from storage.repositories import token_sql, user_sql
from tests.world.rows import build_world

_HOT = [
    *(each for each in vars(token_sql).values() if isinstance(each, Statement)),
    *(each for each in vars(user_sql).values() if isinstance(each, Statement)),
]
_BY_KEY = {
    "artifacts_pkey",
    "clients_client_id_key",
    "idx_clients_client_id",
    "idx_sessions_uid",
    "sessions_pkey",
    "token_families_pkey",
    "users_pkey",
    "users_organization_id_email_key",
}
_LARGE = {"artifacts", "clients", "sessions", "token_families", "users"}


def _scans(node: dict[str, object]) -> list[tuple[str, str]]:
    """Return (table, index) of every scan of a table that grows; without index, its kind."""
    found = []
    if node.get("Relation Name") in _LARGE and "Scan" in str(node["Node Type"]):
        found.append((str(node["Relation Name"]), str(node.get("Index Name", node["Node Type"]))))
    children = node.get("Plans", [])
    assert isinstance(children, list)
    return found + [scan for child in children for scan in _scans(child)]


@pytest.mark.parametrize("isolated", [False, True], ids=["owner", "service"])
@pytest.mark.parametrize("statement", _HOT, ids=lambda statement: statement.name)
async def test_a_hot_statement_reads_by_key(
    fresh_database_url: str, statement: Statement, isolated: bool
) -> None:
    """As who owns the tables, and as servers do: a policy may have another plan."""
    owner = await Postgres.open(fresh_database_url, 1)
    await build_world(owner)
    await owner.close()
    pg = await Postgres.open(fresh_database_url, 1, isolated=isolated)
    await pg.execute(statement.prepare("hot"))
    count = statement.arguments.count("%(")
    arguments = ",".join(["NULL"] * count)
    row = await pg.fetchrow(f"EXPLAIN (FORMAT JSON) EXECUTE hot ({arguments})")
    await pg.close()
    assert row is not None
    plan = msgspec.json.decode(row[0])[0]["Plan"]
    scans = [scan for scan in _scans(plan) if scan[1] not in _BY_KEY]
    assert scans == []
