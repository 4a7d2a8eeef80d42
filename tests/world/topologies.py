"""Real topologies of Redis on the loopback: Sentinels with two servers, and a cluster."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from tests.world.ports import free_port
from tests.world.valkey import Valkey

FIXTURES = {"server": "redis_url", "sentinel": "sentinel_url", "cluster": "cluster_url"}
"""The fixture that is the URL of each topology."""
SERVICE = "porta primary"
_SLOTS = 16_384


class SentinelTrio:
    """A primary, a replica, and three Sentinels that agree on which is which."""

    def __init__(self, folder: Path, *, down_after: float = 0.5) -> None:
        """A server that is silent for `down_after` seconds is taken for lost."""
        self.primary = Valkey(folder, "--repl-diskless-sync-delay", "0")
        secret = self.primary.password
        self.primary.options += ("--masterauth", secret)
        origin = ("--replicaof", f"127.0.0.1 {self.primary.port}")
        self.replica = Valkey(folder, *self.primary.options, *origin, password=secret)
        self._down_after = down_after
        self.config = self.watching(self.primary)
        """Of each Sentinel."""
        self.sentinels = [
            Valkey(folder, "--sentinel", config=self.config, password="") for _ in range(3)
        ]

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        service = SERVICE.replace(" ", "%20")
        return f"redis+sentinel://:{self.primary.password}@{places}/{service}"

    def named(self) -> int:
        """Return the port of the primary, as the first Sentinel that runs tells it."""
        named = ask(self.sentinels[0], "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return int(named[1])

    def failed_over(self) -> bool:
        return self.named() == self.replica.port

    def watching(self, primary: Valkey) -> str:
        """Return the settings of a Sentinel that takes this server for the primary."""
        service = f'"{SERVICE}"'
        return (
            f"sentinel monitor {service} 127.0.0.1 {primary.port} 2\n"
            f"sentinel auth-pass {service} {primary.password}\n"
            f"sentinel down-after-milliseconds {service} {round(self._down_after * 1000)}\n"
            f"sentinel failover-timeout {service} 5000\n"
        )

    def start(self) -> None:
        for server in (self.primary, self.replica, *self.sentinels):
            server.start()
        until(self._agreed)

    def _agreed(self) -> bool:
        for sentinel in self.sentinels:
            words = ask(sentinel, "SENTINEL", "MASTER", SERVICE)
            state = dict(zip(words[::2], words[1::2], strict=True))
            if (state[b"num-slaves"], state[b"num-other-sentinels"]) != (b"1", b"2"):
                return False
        with self.replica.client() as client:
            return bool(client.info("replication")["master_link_status"] == "up")

    def stop(self) -> None:
        for server in (*self.sentinels, self.primary, self.replica):
            server.stop()


class Cluster:
    """Three primaries, and as many replicas as are asked for."""

    def __init__(self, folder: Path, replicas: int = 0) -> None:
        first = self._node(folder, "")
        secret = first.password
        self.primaries = [first, *(self._node(folder, secret) for _ in range(2))]
        self.replicas = [self._node(folder, secret) for _ in range(replicas)]

    @staticmethod
    def _node(folder: Path, password: str) -> Valkey:
        port = free_port()
        options = (
            "--cluster-enabled", "yes", "--cluster-node-timeout", "1500",
            "--cluster-config-file", f"nodes-{port}.conf", "--cluster-port", str(free_port()),
            "--repl-diskless-sync-delay", "0",
        )  # fmt: skip
        node = Valkey(folder, *options, port=port, password=password or None)
        node.options += ("--masterauth", node.password)
        return node

    @property
    def nodes(self) -> list[Valkey]:
        return [*self.primaries, *self.replicas]

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{each.port}" for each in self.primaries)
        return f"redis+cluster://:{self.primaries[0].password}@{places}"

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        share = -(-_SLOTS // len(self.primaries))
        for number, node in enumerate(self.primaries):
            last = min(_SLOTS, (number + 1) * share) - 1
            ask(node, "CLUSTER", "ADDSLOTSRANGE", number * share, last)
            ask(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            bus = node.options[node.options.index("--cluster-port") + 1]
            ask(self.nodes[0], "CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        until(lambda: all(self._knows_all(node) for node in self.nodes))
        for replica, primary in zip(self.replicas, self.primaries, strict=False):
            ask(replica, "CLUSTER", "REPLICATE", self.id(primary))
        until(lambda: all(self._is_well(node) for node in self.nodes))

    def _knows_all(self, node: Valkey) -> bool:
        return f"cluster_known_nodes:{len(self.nodes)}" in self._info(node)

    def _is_well(self, node: Valkey) -> bool:
        if "cluster_state:ok" not in self._info(node):
            return False
        if node not in self.replicas:
            return True
        with node.client() as client:
            return bool(client.info("replication").get("master_link_status") == "up")

    def _info(self, node: Valkey) -> str:
        return str(ask(node, "CLUSTER", "INFO").decode())

    def id(self, node: Valkey) -> str:
        return str(ask(node, "CLUSTER", "MYID").decode())

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    @contextmanager
    def moving(self, slots: Sequence[int], source: Valkey, target: Valkey) -> Iterator[None]:
        """Move slots: within the block they are on the way, and their keys move at the end."""
        source_id, target_id = self.id(source), self.id(target)
        ask_all(target, [("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id) for slot in slots])
        ask_all(source, [("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id) for slot in slots])
        yield
        for slot, held in zip(
            slots, ask_all(source, [("CLUSTER", "COUNTKEYSINSLOT", slot) for slot in slots]),
            strict=True,
        ):  # fmt: skip
            if held:
                self._move_keys(slot, source, target)
        for node in (target, source, *self.nodes):
            ask_all(node, [("CLUSTER", "SETSLOT", slot, "NODE", target_id) for slot in slots])

    @staticmethod
    def _move_keys(slot: int, source: Valkey, target: Valkey) -> None:
        where = ("127.0.0.1", target.port, "", 0, 5000, "AUTH", target.password)
        while found := ask(source, "CLUSTER", "GETKEYSINSLOT", slot, 100):
            ask(source, "MIGRATE", *where, "KEYS", *found)


@contextmanager
def started(server: SentinelTrio | Cluster) -> Iterator[None]:
    with ExitStack() as stack:
        stack.callback(server.stop)
        server.start()
        yield


def ask(server: Valkey, *words: Any) -> Any:
    """Send one command, unaltered, and return its reply as it is."""
    return ask_all(server, [words])[0]


def ask_all(server: Valkey, commands: Sequence[Sequence[Any]]) -> list[Any]:
    """The same with many, one after the other."""
    library: Any = redis  # which types some of this, and some not
    connection = library.Connection(
        host="127.0.0.1", port=server.port, password=server.password or None, protocol=2
    )
    replies = []
    try:
        for words in commands:
            connection.send_command(*words)
            replies.append(connection.read_response())
    finally:
        connection.disconnect()
    return replies


def keys(url: str, pattern: str) -> list[str]:
    """Return the names of keys on every server behind `url`, seen through other eyes."""
    scheme, _, rest = url.partition("://")
    found: Any
    if scheme == "redis+cluster":
        credentials, _, places = rest.partition("@")
        each = [_keys(f"redis://{credentials}@{place}", pattern) for place in places.split(",")]
        found = [name for names in each for name in names]
    elif scheme == "redis+sentinel":
        credentials, _, places = rest.partition("@")
        host, _, port = places.split(",")[0].partition(":")
        with contextlib.closing(redis.Redis(host=host, port=int(port))) as sentinel:
            found = sentinel.sentinel_get_master_addr_by_name(SERVICE)
        primary = found[1]
        found = _keys(f"redis://{credentials}@127.0.0.1:{primary}", pattern)
    else:
        found = _keys(url, pattern)
    return [name.decode() for name in found]


def _keys(url: str, pattern: str) -> Any:
    with contextlib.closing(redis.Redis.from_url(url)) as client:
        return client.keys(pattern)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
