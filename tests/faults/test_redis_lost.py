"""Redis lost in every way under whole sign-ins, through a balancer that heeds /ready.

FAULT_SECONDS says how long each fault lasts, 60 without it; FAULT_WORKERS how many people sign in
at a time, 4 without it (40 make a storm).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.people import WORKERS, Load, lost, working
from tests.security.test_redis_away import FAULTS, House, dump, restore
from tests.world.balancer import Balancer
from tests.world.browser import add_user
from tests.world.relay import relay
from tests.world.served import beside, serve
from tests.world.valkey import Valkey
from tests.world.waiting import eventually

SECONDS = float(os.environ.get("FAULT_SECONDS", "60"))
pytestmark = [pytest.mark.faults, pytest.mark.timeout(240 + 4 * SECONDS)]


@contextmanager
def older_when_back(house: House) -> Any:
    """What was used and made in the second before it went is unused, and gone, when it is back."""
    before = dump(house.server)
    asyncio.get_running_loop().call_later(1.0, house.wire.silence)
    yield
    restore(house.server, before)
    house.wire.restore()


STATES = FAULTS | {"older when back": older_when_back}


@pytest.mark.parametrize("fault", STATES.values(), ids=STATES)
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
        load = Load(house.one, balancer, people)
        async with balancer, balancer.heeding_ready(), working(load):
            before = await _measured(house, load, min(SECONDS, 10))
            load.failed.clear()
            load.again = 0
            began = time.monotonic()
            with fault(house):
                during = await _measured(house, load, SECONDS / 2)
                async with beside(one) as third:  # a server started meanwhile
                    balancer.instances.append(third)
                    rest = await _measured(house, load, SECONDS / 2)
                    balancer.instances.remove(third)
                    await asyncio.sleep(1)
                ended = time.monotonic()
            await eventually(lambda: house.says("ready"), 60)
            back = time.monotonic() - ended
            await _measured(house, load, 5)
            over = time.monotonic()
        missing = await lost(load, two)
        print(
            f"\n{request.node.callspec.id}: longest gap {load.longest_gap(began, over):.2f} s, "
            f"slowest sign-in {max(load.took):.2f} s, 5xx {dict(load.failed)}, "
            f"begun anew {load.again}, lost {missing} of {len(load.promised)}, "
            f"Redis taken up after {back:.1f} s\n"
            f"  before {before}\n  during {during}\n  with a third {rest}"
        )
        assert missing == 0
        assert load.failures <= {503}, "those that were under way there"
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


async def _measured(house: House, load: Load, seconds: float) -> Cost:
    count, began = len(load.done), time.monotonic()
    trips, written = await _spent(house)
    await asyncio.sleep(seconds)
    after_trips, after_written = await _spent(house)
    done = max(len(load.done) - count, 1)
    return Cost(
        rate=done / (time.monotonic() - began),
        trips=(after_trips - trips) / done,
        kilobytes=(after_written - written) / done / 1024,
    )


async def _spent(house: House) -> tuple[int, int]:
    """Return messages of both instances to PostgreSQL, and the bytes of its log."""
    connections = house.one.runtime.storage._databases
    row = await connections.postgres.fetchrow("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
    assert row is not None
    trips = sum(each.runtime.storage.round_trips.postgres for each in (house.one, house.two))
    return trips, int(row[0])
