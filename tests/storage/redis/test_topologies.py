"""Sentinels and clusters: who is refused, and what a failover or a slot on its way costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from storage.errors import AlreadyConsumed, Refused, StorageError, Unreachable
from storage.models.artifact import Home, artifact_id, home_of
from storage.models.artifacts import AuthorizationCode
from storage.opening import open_client
from storage.postgres.driver import Postgres
from storage.redis.breaker import RedisBreaker
from storage.redis.client import Script
from storage.redis.cluster import RedisCluster
from storage.redis.discovery import slot_of
from storage.router import Storage
from storage.stores.counters import FallbackCounters, Limit, PostgresCounters
from tests import factories
from tests.storage.counting import within
from tests.world.topologies import SERVICE, Cluster, SentinelTrio, ask, keys, started
from tests.world.valkey import Valkey
from tests.world.waiting import eventually

A = str(uuid4())
ADD = Script("return redis.call('INCR', KEYS[1])")


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[SentinelTrio]:
    trio = SentinelTrio(tmp_path)
    with started(trio):
        yield trio


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    with started(cluster):
        yield cluster


def _places(url: str) -> list[str]:
    return urlsplit(url).netloc.rpartition("@")[2].split(",")


def _password(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[0]


async def _refusal(database_url: str, url: str) -> str:
    with pytest.raises(Refused) as refused:
        await Storage.open(database_url, url)
    return str(refused.value)


@pytest.mark.parametrize("path", ["", "/0", "/1"])
async def test_faults_F4_a_node_of_a_cluster_is_no_server(
    database_url: str, cluster_url: str, path: str
) -> None:
    for place in _places(cluster_url):
        said = await _refusal(database_url, f"redis://{_password(cluster_url)}@{place}{path}")
        assert said == (
            f"Redis at {place} refuses the connection: it is a node of a cluster."
            " Write redis+cluster://host:port"
        )


def test_one_server_does_not_pay_for_the_library() -> None:
    """Its import takes a third of a second: longer than the rest of a command like `porta keys`."""
    told = "import sys, storage.router; sys.exit('redis.asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told]).returncode == 0


@pytest.mark.parametrize("credentials", ["", ":s3cret@"])
async def test_faults_F7_a_sentinel_is_no_server(
    database_url: str, sentinel_url: str, credentials: str
) -> None:
    for place in _places(sentinel_url):
        for scheme in ("redis", "redis+cluster"):
            said = await _refusal(database_url, f"{scheme}://{credentials}{place}")
            assert "it is a Sentinel. Write redis+sentinel://host:port/service" in said
            assert "s3cret" not in said


async def test_faults_F7_a_server_is_neither_a_cluster_nor_a_sentinel(
    database_url: str, own_redis: Valkey
) -> None:
    place = f":{own_redis.password}@127.0.0.1:{own_redis.port}"
    assert "Write redis://host:port" in await _refusal(database_url, f"redis+cluster://{place}")
    said = await _refusal(database_url, f"redis+sentinel://{place}/{SERVICE.replace(' ', '%20')}")
    assert "no Sentinel" in said


async def test_faults_F7_another_service_or_password_is_refused(
    database_url: str, sentinel_url: str, cluster_url: str
) -> None:
    nameless, _, _ = sentinel_url.rpartition("/")
    assert "a service of this name" in await _refusal(database_url, f"{nameless}/other")
    for url in (sentinel_url, cluster_url):
        wrong = url.replace(_password(url), ":not-the-passw0rd")
        said = await _refusal(database_url, wrong)
        assert "wrong user or password" in said
        assert "passw0rd" not in said


async def test_faults_F7_a_sentinel_may_have_a_password(
    database_url: str, trio: SentinelTrio, tmp_path: Path
) -> None:
    secret = trio.primary.password
    guarded = Valkey(tmp_path, "--sentinel", config=trio.config, password=secret)
    guarded.start()
    url = trio.url.replace(",".join(_places(trio.url)), f"127.0.0.1:{guarded.port}")
    client = await open_client(url)
    assert await client.command("SET", "key", 1) == b"OK"
    await client.close()
    for other in (url.replace(secret, "not-the-passw0rd"), url.replace(f":{secret}@", "")):
        said = await _refusal(database_url, other)
        assert "does not take this user and password" in said
        assert "passw0rd" not in said
    guarded.stop()


async def test_faults_F7_two_sentinels_of_three_are_enough(trio: SentinelTrio) -> None:
    trio.sentinels[0].freeze()
    client = await open_client(trio.url)
    assert await client.command("SET", "key", 1) == b"OK"
    await client.close()
    trio.sentinels[1].stop()
    client = await open_client(trio.url, 4.0)
    assert await client.command("GET", "key") == b"1"
    await client.close()
    trio.sentinels[2].stop()
    with pytest.raises(Unreachable, match=r"Sentinel|no answer in time"):
        await open_client(trio.url)
    trio.sentinels[0].thaw()


async def test_faults_F7_what_most_sentinels_say_counts(trio: SentinelTrio, tmp_path: Path) -> None:
    """One that was cut off, and names what is no primary any more, comes first in the URL."""
    old = Valkey(tmp_path, password=trio.primary.password)
    old.start()
    stale = Valkey(tmp_path, "--sentinel", config=trio.watching(old), password="")
    stale.start()
    places = _places(trio.url)
    for order in (
        [f"127.0.0.1:{stale.port}", *places],
        [places[0], f"127.0.0.1:{stale.port}", places[1]],
    ):
        client = await open_client(trio.url.replace(",".join(places), ",".join(order)))
        for _ in range(3):
            await client.command("SET", "key", 1)
        await client.close()
    assert ask(old, "DBSIZE") == 0
    assert ask(trio.primary, "DBSIZE") == 1
    stale.stop()
    old.stop()


def _kill(trio: SentinelTrio) -> None:
    trio.primary.stop()


def _freeze(trio: SentinelTrio) -> None:
    trio.primary.freeze()


def _demote(trio: SentinelTrio) -> None:
    """An operator has the two change places; both go on."""
    ask(trio.sentinels[0], "SENTINEL", "FAILOVER", SERVICE)


@pytest.mark.parametrize("fail", [_kill, _freeze, _demote])
async def test_faults_F7_a_failover_is_followed(
    database_url: str, trio: SentinelTrio, fail: Callable[[SentinelTrio], None]
) -> None:
    one, two = [await Storage.open(database_url, trio.url) for _ in range(2)]
    make = partial(factories.code, A)
    before = await one.artifacts.create(make, 60)
    assert home_of(before) is Home.REDIS
    with trio.primary.client() as client:
        client.wait(1, 5000)  # for the replica to have it too
    await asyncio.to_thread(fail, trio)

    async def followed() -> bool:
        value = await one.artifacts.create(make, 60)
        assert await two.artifacts.consume(AuthorizationCode, value, A) is not None
        assert await within(one.counters, value)
        return (
            trio.named() == trio.replica.port
            and not (one.redis_trouble or two.redis_trouble)
            and home_of(value) is Home.REDIS
        )

    async def forgiving() -> bool:
        try:
            return await followed()
        except Unreachable:  # One that lies in what is lost: told apart from what is not there.
            return False

    await eventually(forgiving, 60)
    assert len(await asyncio.to_thread(keys, trio.url, "porta:AuthorizationCode:*")) > 1
    assert await two.artifacts.consume(AuthorizationCode, before, A) is not None
    with pytest.raises(AlreadyConsumed):
        await one.artifacts.consume(AuthorizationCode, before, A)
    if fail is _freeze:
        trio.primary.thaw()
    await one.close()
    await two.close()


@pytest.mark.parametrize(
    "key", ["", "key", "ä", "{a}b", "{a}c", "x{a}{b}", "{}x", "{{a}}", "}{a}", "{a", b"\x00{\xff}"]
)
def test_the_slot_of_a_key(cluster: Cluster, key: str | bytes) -> None:
    assert slot_of(key) == ask(cluster.primaries[0], "CLUSTER", "KEYSLOT", key)


async def test_each_command_goes_to_its_node_and_comes_back_in_order(cluster: Cluster) -> None:
    client = await open_client(cluster.url)
    names = [f"order:{number}" for number in range(300)]
    sent = [("SET", name, number) for number, name in enumerate(names)]
    assert await client.pipeline(sent) == [b"OK"] * 300
    assert await client.pipeline([("GET", name) for name in names]) == [
        str(number).encode() for number in range(300)
    ]
    shares = [len(ask(node, "KEYS", "order:*")) for node in cluster.primaries]
    assert sum(shares) == 300
    assert min(shares) > 0
    assert await client.pipeline([]) == []
    await client.close()


async def test_a_script_over_several_slots_is_a_defect(cluster: Cluster) -> None:
    client = await open_client(cluster.url)
    for names in (["a", "b"], []):
        with pytest.raises(StorageError, match="one slot") as refused:
            await client.script(ADD, names)
        assert not isinstance(refused.value, Unreachable)
    assert await client.script(ADD, ["{a}1", "{a}2"]) == 1
    with pytest.raises(StorageError, match="WRONGTYPE") as refused:
        await client.pipeline([("SET", "{a}1", 1), ("LPUSH", "{a}1", 1)])
    assert not isinstance(refused.value, Unreachable)
    await client.close()


async def test_a_slot_can_be_moved_under_load(cluster: Cluster) -> None:
    """Every key is counted up once by each of many callers, before, on the way, and after."""
    client = await open_client(cluster.url)
    tag = f"{{moved-{uuid4()}}}"
    slot = slot_of(tag)
    source = next(node for node in cluster.primaries if _serves(cluster, node, slot))
    target = next(node for node in cluster.primaries if node is not source)
    old, new = [f"{tag}:{n}" for n in range(40)], [f"{tag}:new:{n}" for n in range(40)]

    async def count_up(names: list[str]) -> list[int]:
        return list(await asyncio.gather(*(client.script(ADD, [name]) for name in names)))

    assert await count_up(old) == [1] * 40
    with cluster.moving([slot], source, target):
        assert await count_up(old + new) == [2] * 40 + [1] * 40
        assert await count_up(new) == [2] * 40, "and found where the slot is going"
        moving = asyncio.to_thread(_move, source, target, old[:20])
        rounds = [count_up(old + new) for _ in range(5)]
        await asyncio.gather(moving, *rounds)
    assert await count_up(old + new) == [8] * 80
    assert {len(await count_up(old)) for _ in range(10)} == {40}
    before = client.round_trips
    await count_up(old)
    assert client.round_trips == before + 40, "the table is right again"
    await client.close()


def _serves(cluster: Cluster, node: Valkey, slot: int) -> bool:
    own = cluster.id(node).encode()
    return any(
        first <= slot <= last and owner[2] == own
        for first, last, owner, *_ in ask(node, "CLUSTER", "SLOTS")
    )


def _move(source: Valkey, target: Valkey, names: list[str]) -> None:
    for name in names:
        auth = ("AUTH", target.password)
        ask(source, "MIGRATE", "127.0.0.1", target.port, "", 0, 5000, *auth, "KEYS", name)


@pytest.mark.parametrize("endpoint", ["unknown-endpoint", "hostname"])
async def test_nodes_that_do_not_say_their_name_are_where_the_url_says(
    cluster: Cluster, endpoint: str
) -> None:
    """They send null, an empty name or `?`, in the table as in MOVED and ASK."""
    key = f"nameless-{uuid4()}"
    slot = slot_of(key)
    source = next(node for node in cluster.primaries if _serves(cluster, node, slot))
    target = next(node for node in cluster.primaries if node is not source)
    for node in cluster.primaries:
        ask(node, "CONFIG", "SET", "cluster-preferred-endpoint-type", endpoint)
    try:
        client = await open_client(cluster.url)
        await client.try_write()
        with cluster.moving([slot], source, target):
            assert await client.script(ADD, [key]) == 1
        assert [await client.script(ADD, [key]) for _ in range(3)] == [2, 3, 4]
        await client.close()
    finally:
        for node in cluster.primaries:
            ask(node, "CONFIG", "SET", "cluster-preferred-endpoint-type", "ip")


async def test_attempts_are_counted_while_their_slot_is_on_its_way(
    cluster: Cluster, pg: Postgres
) -> None:
    """A script of which some keys are new is told TRYAGAIN: its attempt counts elsewhere."""
    key = str(uuid4())
    client = await open_client(cluster.url)
    counters = FallbackCounters(RedisBreaker(client), PostgresCounters(pg))
    limits = [Limit(f"{key}:a", 9, 60), Limit(f"{key}:b", 2, 60)]
    assert await counters.spend(key, limits[:1]) is None
    (name,) = keys(cluster.url, f"porta:rate:*{artifact_id(limits[0].key)}")
    slot = slot_of(name)
    source = next(node for node in cluster.primaries if _serves(cluster, node, slot))
    target = next(node for node in cluster.primaries if node is not source)
    with cluster.moving([slot], source, target):
        told = [await counters.spend(key, limits) for _ in range(4)]
    assert [each is None for each in told] == [True, True, False, False]
    await client.close()


@contextmanager
def _a_primary_lost(cluster: Cluster) -> Iterator[None]:
    cluster.primaries[0].stop()
    yield


@contextmanager
def _a_primary_frozen(cluster: Cluster) -> Iterator[None]:
    cluster.primaries[0].freeze()
    yield
    cluster.primaries[0].thaw()


@pytest.mark.parametrize("fault", [_a_primary_lost, _a_primary_frozen])
async def test_faults_F4_a_replica_of_a_cluster_takes_over(
    database_url: str,
    tmp_path: Path,
    fault: Callable[[Cluster], AbstractContextManager[None]],
) -> None:
    cluster = Cluster(tmp_path, replicas=3)
    make = partial(factories.code, A)
    with started(cluster):
        one, two = [await Storage.open(database_url, cluster.url) for _ in range(2)]

        async def well() -> bool:
            values = [await one.artifacts.create(make, 60) for _ in range(20)]
            for value in values:
                try:
                    found = await two.artifacts.consume(AuthorizationCode, value, A)
                except Unreachable:
                    return False
                assert found is not None
            homes = {home_of(value) for value in values}
            return not (one.redis_trouble or two.redis_trouble) and homes == {Home.REDIS}

        assert await well()
        with fault(cluster):
            with pytest.raises(Unreachable):
                await one.try_redis()
            assert home_of(await one.artifacts.create(make, 60)) is Home.POSTGRES
            await eventually(well, 60)
        await one.close()
        await two.close()


async def test_faults_F4_a_cluster_may_come_after_its_clients(
    database_url: str, tmp_path: Path
) -> None:
    cluster = Cluster(tmp_path)
    storage = await Storage.open(database_url, cluster.url)
    trouble = storage.redis_trouble
    assert trouble is not None
    assert f"Redis at 127.0.0.1:{cluster.primaries[0].port}" in trouble.reason
    assert cluster.primaries[0].password not in trouble.reason
    with pytest.raises(Unreachable):
        await RedisCluster.open(cluster.url)
    with started(cluster):

        async def taken_up() -> bool:
            return storage.redis_trouble is None

        await eventually(taken_up, 60)
        value = await storage.artifacts.create(partial(factories.code, A), 60)
        assert home_of(value) is Home.REDIS
    await storage.close()


async def test_what_lies_in_slots_that_nobody_serves_is_away(
    database_url: str, tmp_path: Path
) -> None:
    cluster = Cluster(tmp_path)
    with started(cluster):
        storage = await Storage.open(database_url, cluster.url)
        for node in cluster.primaries:
            ask(node, "CONFIG", "SET", "cluster-require-full-coverage", "no")
        for node in cluster.primaries:
            ask(node, "CLUSTER", "DELSLOTS", slot_of("key"))
        client = await open_client(cluster.url)
        with pytest.raises(Unreachable):
            await client.command("GET", "key")
        with pytest.raises(Unreachable):
            await client.try_write()
        await client.close()
        await storage.close()
