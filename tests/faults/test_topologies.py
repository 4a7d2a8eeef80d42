"""A Sentinel failover, a replica that takes over in a cluster, and slots moved under sign-ins."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from tests.faults.people import Load, lost, working
from tests.world.balancer import Balancer
from tests.world.browser import add_user
from tests.world.served import Served, beside, serve
from tests.world.topologies import SERVICE, Cluster, SentinelTrio, ask, started
from tests.world.valkey import Valkey
from tests.world.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@asynccontextmanager
async def _signing_in(database_url: str, redis_url: str) -> AsyncIterator[Load]:
    async with (
        serve(database_url, redis_url, trusted_proxies="127.0.0.1") as one,
        beside(one) as two,
    ):
        balancer = Balancer(one, two)
        people = [(await add_user(one)).email or "" for _ in range(20)]
        load = Load(one, balancer, people)
        async with balancer, balancer.heeding_ready():
            async with working(load):
                await _grows(load, 5)
                yield load
                await _grows(load, 5)
            assert await lost(load, two) == 0
            assert load.failures <= {503}, load.failed
            assert 500 not in balancer.statuses


async def _grows(load: Load, by: int) -> None:
    wanted = len(load.done) + by

    async def grown() -> bool:
        return len(load.done) >= wanted

    await eventually(grown, 90)


async def _well(load: Load) -> bool:
    served: list[Served] = load.balancer.instances
    answers = [await each.http.get(f"{each.base_url}/ready") for each in served]
    return all(answer.json()["status"] == "ready" for answer in answers)


async def _endured(
    load: Load, name: str, fail: Callable[[], None], healed: Callable[[], bool]
) -> None:
    """Have something fail under the load, and tell what it cost until both instances are well."""
    began = time.monotonic()
    await asyncio.to_thread(fail)

    async def over() -> bool:
        return await asyncio.to_thread(healed)

    await eventually(over, 60)
    promoted = time.monotonic() - began
    await eventually(lambda: _well(load), 60)
    _tell(load, name, began, f"promoted after {promoted:.1f} s, ")


def _tell(load: Load, name: str, began: float, more: str = "") -> None:
    ended = time.monotonic()
    print(
        f"\n{name}: {more}all well after {ended - began:.1f} s, longest gap between sign-ins"
        f" {load.longest_gap(began, ended):.2f} s, slowest {max(load.took):.2f} s,"
        f" 5xx {dict(load.failed)}, begun anew {load.again}, of {len(load.promised)} sign-ins;"
        f" answers {dict(Counter(load.balancer.statuses))}"
    )


@pytest.mark.parametrize("mode", ["killed", "frozen", "demoted"])
async def test_faults_F7_a_failover_under_sign_ins(
    fresh_database_url: str, tmp_path: Path, mode: str
) -> None:
    trio = SentinelTrio(tmp_path, down_after=1)

    def fail() -> None:
        if mode == "killed":
            trio.primary.stop()
        elif mode == "frozen":
            trio.primary.freeze()
        else:
            ask(trio.sentinels[0], "SENTINEL", "FAILOVER", SERVICE)

    with started(trio):
        async with _signing_in(fresh_database_url, trio.url) as load:
            await _endured(load, f"failover, {mode}", fail, trio.failed_over)
            if mode == "frozen":  # and finds that it is the primary no more
                trio.primary.thaw()
                await _grows(load, 5)


@pytest.mark.parametrize("mode", ["killed", "frozen"])
async def test_faults_F4_a_replica_takes_over_under_sign_ins(
    fresh_database_url: str, tmp_path: Path, mode: str
) -> None:
    cluster = Cluster(tmp_path, replicas=3)
    primary, replica = cluster.primaries[0], cluster.replicas[0]
    fail = primary.stop if mode == "killed" else primary.freeze

    def promoted() -> bool:
        with replica.client() as client:
            return bool(client.info("replication")["role"] == "master")

    with started(cluster):
        async with _signing_in(fresh_database_url, cluster.url) as load:
            await _endured(load, f"cluster, a primary {mode}", fail, promoted)
            if mode == "frozen":
                primary.thaw()
                await _grows(load, 5)


async def test_faults_F4_slots_are_moved_under_sign_ins(
    fresh_database_url: str, tmp_path: Path
) -> None:
    """Hundreds of slots on their way at once, there and back: what lies in them goes on living."""
    cluster = Cluster(tmp_path)
    source, target = cluster.primaries[:2]
    slots = range(0, REDIS_CLUSTER_HASH_SLOTS // 3, 12)
    with started(cluster):
        async with _signing_in(fresh_database_url, cluster.url) as load:
            for old, new in ((source, target), (target, source)):
                began = time.monotonic()
                moving = cluster.moving(slots, old, new)
                await asyncio.to_thread(moving.__enter__)
                await _grows(load, 20)
                await asyncio.to_thread(moving.__exit__, None, None, None)
                await _grows(load, 5)
                await eventually(lambda: _well(load), 60)
                _tell(load, f"{len(slots)} slots moved", began)
        told = [Counter(_refusals(node)) for node in (source, target)]
        print(f"  the nodes said {dict(told[0] + told[1])}")
        assert all(each["ASK"] > 0 and each["MOVED"] > 0 for each in told)


def _refusals(node: Valkey) -> dict[str, int]:
    with node.client() as client:
        errors = client.info("errorstats")
    codes = ("ASK", "MOVED", "TRYAGAIN", "CLUSTERDOWN")
    return {code: errors.get(f"errorstat_{code}", {"count": 0})["count"] for code in codes}
