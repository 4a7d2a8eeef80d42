"""What a prepared statement reads does not grow with the tables, whoever most of the rows are of.

The statistics are those of an installation where one client, and one account, has nearly all
tokens, among ten thousand clients. A plan that is best for the average row may then walk through
a whole index for this one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import pytest_asyncio

import storage
from storage.models.artifacts import ARTIFACTS
from storage.postgres.driver import Postgres
from storage.postgres.statement import Statement
from storage.stores.postgres import _statements

# Whoever comes first has the tables filled, which takes a busy machine its time.
pytestmark = pytest.mark.timeout(600)

CLIENTS, USERS, FAMILIES = 10_000, 10_000, 60_000
MOST_PAGES = 80
"""Of 8 KiB each: what a statement may touch. A few rows, each by an index of three levels, and some
that others left there to be tidied.
"""

_WORLD = """
INSERT INTO organizations (id, name, slug) VALUES (%(organization)s, 'A', 'a');
INSERT INTO applications (id, name, slug) VALUES (%(application)s, 'A', 'a');
INSERT INTO clients (organization_id, application_id, client_id, client_name, client_type)
    SELECT %(organization)s, %(application)s, 'client-' || to_char(n, 'FM00000'), 'C', 'public'
    FROM generate_series(1, %(clients)s) n;
INSERT INTO users (id, organization_id, email)
    SELECT lpad(n::text, 32, '0')::uuid, %(organization)s, 'user-' || n || '@a.test'
    FROM generate_series(1, %(users)s) n
"""
_FAMILIES = """
CREATE TEMPORARY TABLE owned AS
    SELECT lpad(n::text, 64, '0') AS id, %(organization)s::uuid AS organization_id,
        %(client)s AS client_id, %(user)s::uuid AS account_id
    FROM generate_series(%(first)s, %(last)s) n;
INSERT INTO token_families (id, organization_id, client_id, account_id, grant_id, session_uid,
        expires_at, redeemed_at)
    SELECT id, organization_id, client_id, account_id, 'Grant' || id, 'uid' || id,
        now() + interval '1 day', now() FROM owned;
INSERT INTO sessions (id, kind, organization_id, payload, uid, account_id, expires_at)
    SELECT 'Session' || id, 'Session', organization_id, '{}', 'uid' || id, account_id,
        now() + interval '1 day' FROM owned;
INSERT INTO artifacts (id, kind, organization_id, payload, family_id, grant_id, account_id,
        client_id, expires_at)
    SELECT kind || id, kind, organization_id, json_build_object('session_uid', 'uid' || id),
        CASE WHEN kind LIKE '%%Token' THEN id END, CASE WHEN kind = 'Grant' THEN 'Grant' || id END,
        account_id, client_id, now() + interval '1 day'
    FROM owned, unnest(%(kinds)s) AS kind;
INSERT INTO rate_counters (key, window_ends_at, count)
    SELECT 'key' || id, now() + interval '1 day', 1 FROM owned;
INSERT INTO audit_log (organization_id, user_id, event_type, event_category)
    SELECT organization_id, account_id, 'x', 'security' FROM owned;
DROP TABLE owned
"""
_ORGANIZATION, _APPLICATION = "0" * 31 + "a", "0" * 31 + "b"


@dataclass(frozen=True)
class Presented:
    """A family of tokens, with the number of its client and of its account."""

    family: int
    owner: int

    @property
    def key(self) -> str:
        return f"{self.family:064}"

    @property
    def client(self) -> str:
        return f"client-{self.owner:05}"

    @property
    def user(self) -> str:
        return f"{self.owner:032}"


DOMINATING = Presented(FAMILIES // 2, 1)
RARE = Presented(FAMILIES + 1, CLIENTS - 1)
"""Of the last client in the index, of which the statistics know nothing."""


def _prepared() -> Iterator[Statement]:
    """Every statement of the storage that is prepared, wherever it stands."""
    for module in pkgutil.walk_packages(storage.__path__, "storage."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Statement):
                yield value
    for kind in ARTIFACTS.values():
        yield from (v for v in vars(_statements(kind)).values() if isinstance(v, Statement))


STATEMENTS = {statement.name: statement for statement in _prepared()}
_EVERYWHERE = ("find_administrator",)
"""Those that are asked before an organization is known: the service has no right to them."""
_OF_KINDS = {
    "find_token": "AccessToken",
    "find_opaque_token": "AccessToken",
    "find_access_token": "AccessToken",
    "find_refresh_token": "RefreshToken",
    "find_refresh_token_address": "RefreshToken",
    "revoke_token": "RefreshToken",
    "note_session_use": "Session",
}


def _id(statement: Statement, presented: Presented) -> str:
    """Return the key of the row that `statement` is about."""
    kind = _OF_KINDS.get(statement.name) or statement.name.partition("_")[2]
    if kind in {record.__name__ for record in ARTIFACTS}:
        return kind + presented.key
    if statement.name in ("revoke_family", "revoke_code"):
        return presented.key
    if "user" in statement.body and "artifacts" not in statement.body:
        return presented.user
    return "new"


def _values(statement: Statement, presented: Presented) -> dict[str, object]:
    """Return a value for every parameter that a prepared statement has."""
    return {
        "id": _id(statement, presented),
        "kind": statement.name.partition("_")[2],
        "organization_id": _ORGANIZATION,
        "application_id": _APPLICATION,
        "client_id": presented.client,
        "account_id": presented.user,
        "user_id": presented.user,
        "actor_id": presented.user,
        "family_id": presented.key,
        "grant_id": "Grant" + presented.key,
        "session_id": "Session" + presented.key,
        "session_uid": "uid" + presented.key,
        "uid": "uid" + presented.key,
        "user_code": None,
        "old_id": "RefreshToken" + presented.key,
        "successor_id": "successor",
        "access_id": "access",
        "refresh_id": "refresh",
        **dict.fromkeys(("payload", "access", "refresh", "successor", "metadata"), "{}"),
        **dict.fromkeys(("ttl", "access_ttl", "refresh_ttl", "family_ttl", "successor_ttl"), 60),
        "grace": 10,
        "withdrawals": 0,
        "idle_ttl": 86_400,
        **dict.fromkeys(("interval", "use_interval"), 0),
        **dict.fromkeys(("expires_at", "family_expires_at"), 4_000_000_000),
        "reason": "x",
        **dict.fromkeys(("created_once", "all_roles"), False),
        "locked_at": 0,
        "password_hash": None,
        "keys": ["key" + presented.key, "new"],
        "windows": [60, 60],
        "most": [9, 9],
        "slot": "x",
        **dict.fromkeys(("event_type", "event_category", "description", "request_id"), "x"),
        **dict.fromkeys(("ip_address", "user_agent", "actor_type", "actor_client", "mac"), None),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def grown(database_url: str) -> None:
    postgres = await Postgres.open(database_url, 1, statement_timeout=0)
    kinds = [k.record.__name__ for k in ARTIFACTS.values() if k.table == "artifacts"]
    named = {"organization": _ORGANIZATION, "application": _APPLICATION, "kinds": kinds}
    await postgres.execute(_WORLD, {**named, "clients": CLIENTS, "users": USERS})
    most = {"client": DOMINATING.client, "user": DOMINATING.user, "first": 1, "last": FAMILIES}
    await postgres.execute(_FAMILIES, {**named, **most})
    await postgres.execute("ANALYZE")
    later = {"first": RARE.family, "last": RARE.family}
    await postgres.execute(_FAMILIES, {**named, "client": RARE.client, "user": RARE.user, **later})
    await postgres.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["owner", "service"])
async def asking(
    grown: None, database_url: str, request: pytest.FixtureRequest
) -> AsyncIterator[Postgres]:
    """As who owns the tables, and as servers do: a policy may have another plan."""
    opened = await Postgres.open(database_url, 1, isolated=request.param == "service")
    yield opened
    await opened.close()


async def _buffers(pg: Postgres, statement: Statement, presented: Presented) -> tuple[int, str]:
    """Run it, undo it, and return how many pages it touched, with its plan."""
    async with pg.connection() as connection:
        await connection.execute("DEALLOCATE ALL")
        await connection.execute(statement.prepare("grown"))
        await connection.execute("BEGIN")
        asked = statement.execute("grown")
        reader = connection.everywhere if statement.name in _EVERYWHERE else connection
        try:
            row = await reader.fetchrow(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {asked}", _values(statement, presented)
            )
        finally:
            await connection.execute("ROLLBACK")
            await connection.execute("DEALLOCATE ALL")
    assert row is not None
    return _pages(msgspec.json.decode(row[0])[0]["Plan"]), row[0]


def _pages(node: dict[str, Any]) -> int:
    """Return the pages that a plan touched. What a CTE changes last is not counted above it."""
    own = int(node["Shared Hit Blocks"]) + int(node["Shared Read Blocks"])
    return max(own, sum(map(_pages, node.get("Plans", []))))


@pytest.mark.parametrize("presented", [DOMINATING, RARE], ids=["dominating", "rare"])
@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
async def test_growth_a_prepared_statement_reads_a_few_pages(
    asking: Postgres, statement: Statement, presented: Presented
) -> None:
    for _ in range(2):  # the first may find the index pages of others to be tidied
        pages, plan = await _buffers(asking, statement, presented)
    assert pages <= MOST_PAGES, plan
