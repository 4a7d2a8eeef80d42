"""How long an answer takes tells nobody whether an account is known (requirement F.4).

Known and unknown accounts are asked for in one run, in an order drawn by lot, and their times
compared with the test of Mann and Whitney. It finds a difference where there is none once in a
hundred times: what it finds in three runs out of three is there.
"""

from __future__ import annotations

import asyncio
import math
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import groupby

import httpx
import pytest
import pytest_asyncio

from porta.limits import even_time
from storage.postgres.driver import Postgres
from tests.conftest import SHIPPED_STEP
from tests.factories import challenge_of, new_id
from tests.world.answers import hidden_fields, location
from tests.world.browser import new_address
from tests.world.links import take_magic_links
from tests.world.served import CALLBACK, VERIFIER, Served, serve

LEAST_P = 0.01
RUNS = 3
LANES = 8


def mann_whitney(these: Sequence[float], those: Sequence[float]) -> float:
    """Return the two-sided p of the test of Mann and Whitney: how likely samples are as far apart
    as these, or farther, that come from one distribution. Normal approximation, corrected for ties
    and for continuity (Hollander, Wolfe: Nonparametric Statistical Methods, §4.1).
    """
    n, m = len(these), len(those)
    whole = sorted([(value, True) for value in these] + [(value, False) for value in those])
    below, ranks, ties = 0, 0.0, 0.0
    for _, same in groupby(whole, key=lambda each: each[0]):
        tied = [ours for _, ours in same]
        ranks += sum(tied) * (below + (len(tied) + 1) / 2)
        ties += len(tied) ** 3 - len(tied)
        below += len(tied)
    both = n + m
    deviation = math.sqrt(n * m / 12 * (both + 1 - ties / (both * (both - 1))))
    apart = abs(ranks - n * (n + 1) / 2 - n * m / 2)
    return math.erfc(max(0.0, apart - 0.5) / deviation / math.sqrt(2)) if deviation else 1.0


def test_the_test_itself() -> None:
    """Values worked out by hand, and those of samples that are, and are not, of one kind."""
    assert mann_whitney([1, 1], [1, 1, 1]) == 1, "all alike"
    assert round(mann_whitney([1, 2, 3], [4, 5, 6]), 4) == 0.0809
    assert round(mann_whitney([1, 2, 2], [2, 3, 3, 4]), 4) == 0.0955
    lot = random.Random(4711)
    same = [[lot.gauss(100, 10) for _ in range(200)] for _ in range(2)]
    assert mann_whitney(*same) > LEAST_P
    assert mann_whitney(same[0], [value + 5 for value in same[1]]) < 1e-4


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    """Return a server whose hashes take longer than all the rest of an answer."""
    async with serve(
        database_url, redis_url, trusted_proxies="127.0.0.1", smtp_host="127.0.0.1",
        jobs_in_server=False, argon2_memory_kib=16_384, argon2_passes=2,
    ) as running:  # fmt: skip
        storage = running.runtime.storage.everywhere
        await storage.system_config.put("rate_limit_registration_installation_max", 10**6, "number")
        await take_magic_links(running.runtime, "acme-web-basic")
        acme = await storage.organizations.find_by_slug("acme")
        assert acme is not None
        await storage.organizations.update(acme.id, {"registration": "open"})
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pg(database_url: str) -> AsyncIterator[Postgres]:
    pg = await Postgres.open(database_url, 1)
    yield pg
    await pg.close()


async def _people(pg: Postgres, number: int) -> list[str]:
    """Add people who have a password of today's cost; return their addresses."""
    name = new_id()
    rows = await pg.fetch(
        "INSERT INTO users (organization_id, email, email_verified, password_hash)"
        " SELECT organization_id, %(name)s || n || '@acme.example', TRUE, password_hash"
        " FROM users, generate_series(10001, 10000 + %(number)s) n"
        " WHERE email = 'alice@acme.test' RETURNING email::text",
        {"name": name, "number": number},
    )
    return [row[0] for row in rows]


def _strangers(number: int) -> list[str]:
    name = new_id()
    return [f"{name}{n}@acme.example" for n in range(10001, 10001 + number)]


@dataclass(frozen=True)
class Form:
    """What a browser posts again and again, for another address each time."""

    http: httpx.AsyncClient
    url: str
    fields: dict[str, str]

    async def post(self, email: str) -> float:
        """Return how many seconds the answer takes, which comes from elsewhere each time."""
        fields = self.fields | {"email": email}
        headers = {"X-Forwarded-For": new_address()}
        began = time.perf_counter()
        answer = await self.http.post(self.url, data=fields, headers=headers)
        seconds = time.perf_counter() - began
        assert answer.status_code == 200, answer.text
        return seconds


async def _sign_in(served: Served, http: httpx.AsyncClient, step: str) -> Form:
    asked = {
        "client_id": "acme-web-basic", "redirect_uri": CALLBACK, "response_type": "code",
        "scope": "openid", "code_challenge_method": "S256",
        "code_challenge": challenge_of(VERIFIER),
    }  # fmt: skip
    begun = await http.get(f"{served.issuer()}/auth", params=asked)
    page = await http.get(location(begun))
    fields = {"_csrf": hidden_fields(page.text)["_csrf"], "password": "wrong horse battery staple"}
    return Form(http, f"{page.url}/{step}", fields)


async def _page(served: Served, http: httpx.AsyncClient, name: str) -> Form:
    page = await http.get(f"{served.issuer()}/auth/{name}")
    return Form(http, str(page.url), {"_csrf": hidden_fields(page.text)["_csrf"]})


WAYS: dict[str, Callable[[Served, httpx.AsyncClient], Awaitable[Form]]] = {
    "magic link": lambda served, http: _sign_in(served, http, "magic-link"),
    "forgotten password": lambda served, http: _page(served, http, "forgot-password"),
    "registration": lambda served, http: _page(served, http, "register"),
}


async def _times(forms: Sequence[Form], pg: Postgres, number: int) -> tuple[list[float], ...]:
    """Return the seconds that answers for known and for unknown addresses take, so many of each,
    asked for at all forms at once, in an order drawn by lot.
    """
    asked = [(email, True) for email in await _people(pg, number)]
    asked += [(email, False) for email in _strangers(number)]
    random.shuffle(asked)
    known: list[float] = []
    unknown: list[float] = []

    async def lane(form: Form) -> None:
        while asked:
            email, is_known = asked.pop()
            (known if is_known else unknown).append(await form.post(email))

    await asyncio.gather(*map(lane, forms))
    return known, unknown


async def _likeliest(forms: Sequence[Form], pg: Postgres, number: int) -> float:
    """Return the p of the first run that tells nothing, else of the last one."""
    found = 0.0
    for _ in range(RUNS):
        found = mann_whitney(*await _times(forms, pg, number))
        if found > LEAST_P:
            break
    return found


@pytest_asyncio.fixture
async def browsers() -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as opened:
        yield [
            await opened.enter_async_context(httpx.AsyncClient(timeout=60)) for _ in range(LANES)
        ]


NUMBERS = [40, pytest.param(500, marks=(pytest.mark.long, pytest.mark.timeout(900)))]


@pytest.mark.parametrize("number", NUMBERS)
async def test_F4_a_wrong_password_takes_as_long_as_one_of_nobody(
    served: Served, pg: Postgres, browsers: list[httpx.AsyncClient], number: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The step is one that a hash does not fit into, as under load: without a hash for whom nobody
    knows, the answer would come a step earlier.
    """
    form = await _sign_in(served, browsers[0], "login")
    work = [await form.post(email) for email in await _people(pg, 9)]
    monkeypatch.setattr(even_time, "STEP", statistics.median(work) / 1.5)
    assert await _likeliest([form], pg, number) > LEAST_P


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", NUMBERS)
async def test_F4_what_is_mailed_to_somebody_takes_as_long_as_nothing(
    served: Served, pg: Postgres, browsers: list[httpx.AsyncClient], number: int, way: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(even_time, "STEP", SHIPPED_STEP)
    forms = [await WAYS[way](served, http) for http in browsers]
    assert await _likeliest(forms, pg, number) > LEAST_P
