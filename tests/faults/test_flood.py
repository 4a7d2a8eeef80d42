"""One client that floods two servers: what it leaves is bounded, and people sign in all the while.

FAULT_SECONDS says for how long; 60 without it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from redis import Redis

from porta.config.system import Config
from storage.postgres.driver import Postgres
from tests.flows.party import VERIFIER, Party
from tests.world.person import Person
from tests.world.processes import Installation, running

SECONDS = float(os.environ.get("FAULT_SECONDS", "60"))
pytestmark = [pytest.mark.faults, pytest.mark.timeout(240 + 4 * SECONDS)]
THREADS = 4
KEPT = 8192
"""Bytes of a request that waits, at most."""
PERSON = "127.0.0.2"
"""Where the people come from; the flood comes from 127.0.0.1."""


def _flood(installation: Installation, number: int, until: float) -> Counter[int]:
    """Leave the longest requests that are taken, without a cookie; return what was answered."""
    party = Party(installation, "acme", "acme-web-basic")
    form = dict(httpx.URL(party.authorization_url(VERIFIER)).params) | {
        "response_mode": "form_post",
        "state": "s" * 3000,
        "nonce": "n" * 1000,
        "claims": '{"userinfo":{"x":{"value":"%s"}}}' % ("v" * 1200),
    }
    public = form | {"client_id": "acme-spa", "redirect_uri": "http://127.0.0.1:9010/callback"}
    seen: Counter[int] = Counter()
    with httpx.Client(timeout=60) as http:
        while time.monotonic() < until:
            url = installation.at(number % 2, party.issuer)
            http.cookies.clear()
            seen[http.post(f"{url}/auth", data=form).status_code] += 1
            http.cookies.clear()
            http.get(f"{url}/auth", params=form | {"state": "s", "claims": "{}"})
            seen[http.post(f"{url}/request", data=public).status_code] += 1
    return seen


def _sign_in(installation: Installation) -> float:
    """Sign a person in, from another address; return how many seconds it took."""
    began = time.monotonic()
    party = Party(installation, "acme", "acme-web-basic")
    with Person(*installation.person("acme")) as person:
        person.http = httpx.Client(timeout=60, transport=httpx.HTTPTransport(local_address=PERSON))
        assert party.tokens(person)["access_token"]
        person.http.close()
    return time.monotonic() - began


def _bytes_in_redis(url: str) -> tuple[int, int]:
    """Return how many artifacts wait in Redis, and the bytes that they take."""
    with Redis.from_url(url) as redis:
        keys = list(redis.scan_iter("porta:Interaction:*", count=1000))
        return len(keys), sum(redis.memory_usage(key) or 0 for key in keys)


async def _rows(url: str) -> tuple[int, int]:
    """Return how many artifacts wait in PostgreSQL, and the bytes of the longest."""
    postgres = await Postgres.open(url, 1)
    rows = await postgres.fetch(
        "SELECT count(*), coalesce(max(octet_length(payload::text)), 0) FROM artifacts"
        " WHERE kind IN ('Interaction', 'PushedAuthorizationRequest')"
    )
    await postgres.close()
    return rows[0][0], rows[0][1]


def test_security_1_one_client_for_a_minute() -> None:
    with running(instances=2) as installation, ThreadPoolExecutor(THREADS) as pool:
        _sign_in(installation)
        until = time.monotonic() + SECONDS
        floods = [pool.submit(_flood, installation, n, until) for n in range(THREADS)]
        took = []
        while time.monotonic() < until:
            took.append(_sign_in(installation))
        seen = sum((flood.result() for flood in floods), Counter())
        waiting, stored = _bytes_in_redis(installation.facts["redis_url"])
        rows, longest = asyncio.run(_rows(installation.facts["database_url"]))
    most = Config().rate_limit_request_max + len(took) + 1
    print(
        f"\n{sum(seen.values()) / SECONDS:.0f} requests a second: {dict(seen)}\n"
        f"left: {waiting} requests, {stored / 1e6:.1f} MB of {most * KEPT / 1e6:.1f} at most;"
        f" {rows} rows\n{len(took)} people signed in meanwhile, the slowest in {max(took):.2f} s"
    )
    assert set(seen) <= {303, 400, 429}, "no fault of ours"
    assert waiting <= most
    assert stored <= most * KEPT
    assert (rows, longest) == (0, 0), "nothing was pushed in a public client's name"
    assert took, "people sign in all the while"
