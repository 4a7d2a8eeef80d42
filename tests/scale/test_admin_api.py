"""Ten lists and ten changes at a million people: how long they take, and what they read."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from storage.postgres.driver import Postgres
from tests.scale.seed import APPLICATION, LARGE
from tests.world.administrators import Installation

pytestmark = [pytest.mark.scale, pytest.mark.timeout(3600)]

_COUNT = int(os.environ.get("PORTA_SCALE_COUNT", "100"))
_MOST = 0.1
"""Seconds that half of all requests of a kind take at most, those of the test's client included."""
_PEOPLE = f"/organizations/{LARGE}/users"
LISTS = {
    "organizations": "/organizations",
    "organizations by name": "/organizations?sort=name&order=asc&limit=100",
    "organizations searched": "/organizations?search=8f14e45f",
    "clients searched": "/clients?search=c4ca4238",
    "people": _PEOPLE,
    "people by family name": f"{_PEOPLE}?sort=family_name&order=asc&limit=100",
    "people searched, one": f"{_PEOPLE}?search=.4242@",
    "people searched, many": f"{_PEOPLE}?search=goran&limit=100",
    "people suspended": f"{_PEOPLE}?status=suspended",
    "audit": f"/audit?org={LARGE}",
    "sessions": f"/sessions?organizationId={LARGE}",
}
_LARGE_TABLES = """
SELECT relname, seq_scan FROM pg_stat_user_tables
WHERE relname IN ('organizations', 'clients', 'users', 'audit_log', 'sessions') ORDER BY relname
"""


@dataclass(frozen=True)
class Change:
    """A request that writes; `path` and `body` are made anew for each."""

    method: str
    path: Callable[[dict[str, str]], str]
    body: Callable[[], Any]


def _new() -> str:
    return secrets.token_hex(6)


def _address() -> str:
    return f"{_new()}@example.test"


CHANGES = {
    "organization created": Change("POST", lambda _: "/organizations", lambda: {"name": _new()}),
    "organization changed": Change(
        "PATCH", lambda _: f"/organizations/{LARGE}", lambda: {"name": _new()}
    ),
    "person added": Change("POST", lambda _: _PEOPLE, lambda: {"email": _address()}),
    "person changed": Change(
        "PATCH", lambda made: f"/users/{made['user']}", lambda: {"givenName": _new()}
    ),
    "application created": Change("POST", lambda _: "/applications", lambda: {"name": _new()}),
    "role created": Change(
        "POST", lambda _: f"/applications/{APPLICATION}/roles", lambda: {"name": _new()}
    ),
    "permission created": Change(
        "POST",
        lambda _: f"/applications/{APPLICATION}/permissions",
        lambda: {"name": "P", "slug": f"a{_new()}:b:c"},
    ),
    "claim created": Change(
        "POST", lambda _: f"/applications/{APPLICATION}/claims", lambda: {"claimName": f"c{_new()}"}
    ),
    "client registered": Change(
        "POST",
        lambda _: "/clients",
        lambda: {
            "organizationId": LARGE,
            "applicationId": APPLICATION,
            "clientName": "C",
            "clientType": "public",
            "applicationType": "web",
            "redirectUris": ["https://app.example/callback"],
        },
    ),
    "setting changed": Change(
        "PUT", lambda _: "/config/access_token_ttl", lambda: {"value": 900 + secrets.randbelow(99)}
    ),
}


@pytest.mark.asyncio(loop_scope="session")
async def test_every_page_takes_less_than_a_tenth_of_a_second(installation: Installation) -> None:
    took: dict[str, list[float]] = {}
    for name, path in LISTS.items():
        took[name] = []
        for number in range(_COUNT):
            began = time.perf_counter()
            answer = await installation.http.get(path)
            took[name].append(time.perf_counter() - began)
            assert answer.status_code == 200, answer.text
            assert number or answer.json()["data"], f"{name}: nothing is found"
    _tell("lists", took)
    assert not {name for name, times in took.items() if _part(times, 0.5) > _MOST}


@pytest.mark.asyncio(loop_scope="session")
async def test_every_change_takes_less_than_a_tenth_of_a_second(
    installation: Installation,
) -> None:
    made = {"user": (await installation.post(_PEOPLE, {"email": _address()}))["id"]}
    took: dict[str, list[float]] = {}
    for name, change in CHANGES.items():
        took[name] = []
        for _ in range(_COUNT):
            path, body = change.path(made), change.body()
            began = time.perf_counter()
            answer = await installation.http.request(change.method, path, json=body)
            took[name].append(time.perf_counter() - began)
            assert answer.is_success, f"{name}: {answer.text}"
    _tell("changes", took)
    assert not {name for name, times in took.items() if _part(times, 0.5) > _MOST}


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("name", LISTS)
async def test_no_page_reads_the_whole_of_a_large_table(
    installation: Installation, pg: Postgres, name: str
) -> None:
    await _settle(installation, LISTS[name])
    before = await pg.fetch(_LARGE_TABLES, {})
    await _settle(installation, LISTS[name])
    assert await pg.fetch(_LARGE_TABLES, {}) == before


async def _settle(installation: Installation, path: str) -> None:
    """Ask twice: PostgreSQL tells of what was read when a second has passed."""
    for _ in range(2):
        answer = await installation.http.get(path)
        assert answer.status_code == 200, answer.text
        await asyncio.sleep(1.1)


def _part(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def _tell(title: str, took: dict[str, list[float]]) -> None:
    table = Table("", "p50 ms", "p99 ms", title=f"{title}, of {_COUNT} each")
    for name, times in took.items():
        table.add_row(name, *(f"{_part(times, share) * 1e3:.1f}" for share in (0.5, 0.99)))
    Console(width=80).print(table)
