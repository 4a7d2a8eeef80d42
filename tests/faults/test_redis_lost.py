"""Redis lost in every way under whole sign-ins, through a balancer that heeds /ready.

FAULT_SECONDS says how long each fault lasts, 60 without it; FAULT_WORKERS how many people sign in
at a time, 4 without it (40 make a storm).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.balancer import Balancer
from tests.handlers.relay import relay
from tests.security.browser import (
    Browser,
    add_user,
    code_form,
    is_active,
    new_address,
    post,
    refresh_form,
)
from tests.security.test_redis_away import FAULTS, House
from tests.served import Served, beside, serve
from tests.storage.valkey import Valkey
from tests.waiting import eventually

SECONDS = float(os.environ.get("FAULT_SECONDS", "60"))
pytestmark = [pytest.mark.faults, pytest.mark.timeout(240 + 4 * SECONDS)]
WORKERS = int(os.environ.get("FAULT_WORKERS", "4"))


@dataclass(slots=True)
class Load:
    """People who come, sign in and stay; what they were promised is noted."""

    house: House
    balancer: Balancer
    people: list[str]
    done: list[float] = field(default_factory=list)
    """When a whole sign-in ended."""
    took: list[float] = field(default_factory=list)
    failed: Counter[int] = field(default_factory=Counter)
    """Answers of 500 and more."""
    again: int = 0
    """Sign-ins that had to begin anew."""
    promised: list[dict[str, Any]] = field(default_factory=list)

    async def one(self) -> None:
        began = time.monotonic()
        async with httpx.AsyncClient(timeout=20, transport=_Kept(self.balancer)) as http:
            http.event_hooks["response"].append(self._note)
            email = secrets.choice(self.people)
            person = Browser(self.house.one, http, email=email, address=new_address())
            try:
                code = await person.code()
                url = f"{self.house.one.issuer()}/token"
                auth = ("acme-web-basic", "acme-web-basic-development-secret-0001")
                answer = await http.post(url, data=code_form(code), auth=auth)
                assert answer.status_code == 200
            except AssertionError:
                self.again += 1
                return
        self.promised.append(answer.json())
        self.done.append(time.monotonic())
        self.took.append(self.done[-1] - began)

    async def _note(self, answer: httpx.Response) -> None:
        if answer.status_code >= 500:
            self.failed[answer.status_code] += 1

    def longest_gap(self, since: float, until: float) -> float:
        """Return the longest time in which nobody came to the end of a sign-in."""
        ends = [since, *(end for end in self.done if since < end < until), until]
        return max(after - before for before, after in pairwise(ends))


class _Kept(httpx.AsyncBaseTransport):
    """The balancer outlives its browsers."""

    def __init__(self, balancer: Balancer) -> None:
        self._balancer = balancer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._balancer.handle_async_request(request)


@asynccontextmanager
async def _working(load: Load) -> AsyncIterator[None]:
    async def repeat() -> None:
        while not over:
            await load.one()

    over = False
    workers = [asyncio.create_task(repeat()) for _ in range(WORKERS)]
    try:
        yield
    finally:
        over = True
        await asyncio.gather(*workers)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_faults_F1_sign_ins_go_on_through_a_balancer(
    fresh_database_url: str,
    own_redis: Valkey,
    fault: Callable[[House], AbstractContextManager[None]],
    request: pytest.FixtureRequest,
) -> None:
    async with (
        relay(own_redis.url) as (wire, url),
        serve(fresh_database_url, url, trusted_proxies="127.0.0.1") as one,
        beside(one) as two,
    ):
        house, balancer = House(one, two, wire, own_redis), Balancer(one, two)
        people = [(await add_user(one)).email or "" for _ in range(20)]
        load = Load(house, balancer, people)
        async with balancer, balancer.heeding_ready(), _working(load):
            before = await _measured(load, min(SECONDS, 10))
            load.failed.clear()
            load.again = 0
            began = time.monotonic()
            with fault(house):
                during = await _measured(load, SECONDS / 2)
                async with beside(one) as third:  # a server started meanwhile
                    balancer.instances.append(third)
                    rest = await _measured(load, SECONDS / 2)
                    balancer.instances.remove(third)
                    await asyncio.sleep(1)
                ended = time.monotonic()
            await eventually(lambda: house.says("ready"), 60)
            back = time.monotonic() - ended
            await _measured(load, 5)
            over = time.monotonic()
        lost = await _lost(load, two)
        print(
            f"\n{request.node.callspec.id}: longest gap {load.longest_gap(began, over):.2f} s, "
            f"slowest sign-in {max(load.took):.2f} s, 5xx {dict(load.failed)}, "
            f"begun anew {load.again}, lost {lost} of {len(load.promised)}, "
            f"Redis taken up after {back:.1f} s\n"
            f"  before {before}\n  during {during}\n  with a third {rest}"
        )
        assert lost == 0
        assert set(load.failed) <= {503}, "those that were under way there"
        assert sum(load.failed.values()) <= 4 * WORKERS
        assert load.longest_gap(began, over) < 10


@dataclass(frozen=True, slots=True)
class Cost:
    """Sign-ins a second, and what each cost PostgreSQL."""

    rate: float
    trips: float
    kilobytes: float

    def __str__(self) -> str:
        return (
            f"{self.rate:.1f} sign-ins/s, each {self.trips:.1f} round trips to PostgreSQL"
            f" and {self.kilobytes:.1f} kB of its log"
        )


async def _measured(load: Load, seconds: float) -> Cost:
    count, began = len(load.done), time.monotonic()
    trips, written = await _spent(load.house)
    await asyncio.sleep(seconds)
    after_trips, after_written = await _spent(load.house)
    done = max(len(load.done) - count, 1)
    return Cost(
        rate=done / (time.monotonic() - began),
        trips=(after_trips - trips) / done,
        kilobytes=(after_written - written) / done / 1024,
    )


async def _spent(house: House) -> tuple[int, int]:
    """Return messages of both instances to PostgreSQL, and the bytes of its log."""
    doors = house.one.runtime.storage._doors
    row = await doors.postgres.fetchrow("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
    assert row is not None
    trips = sum(each.runtime.storage.round_trips.postgres for each in (house.one, house.two))
    return trips, int(row[0])


async def _lost(load: Load, served: Served) -> int:
    """Return how many of those who were given tokens have them no longer."""
    lost = 0
    for tokens in load.promised:
        if not await is_active(served, tokens["access_token"]):
            lost += 1
            continue
        answer = await post(served, "/token", refresh_form(tokens["refresh_token"]))
        lost += answer.status_code != 200
    return lost
