"""States in which a Redis takes no writes, brought about in a real one, and ended again."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import redis

from tests.world.ports import free_port
from tests.world.valkey import Valkey

State = Callable[[Valkey], AbstractContextManager[None]]


@contextmanager
def stopped(server: Valkey) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextmanager
def frozen(server: Valkey) -> Iterator[None]:
    """Connections stay open, and can be made, and nothing is answered."""
    server.freeze()
    yield
    server.thaw()


@contextmanager
def full(server: Valkey) -> Iterator[None]:
    with _configured(server, "maxmemory", "1", "0"):
        yield


@contextmanager
def without_replicas(server: Valkey) -> Iterator[None]:
    with _configured(server, "min-replicas-to-write", "1", "0"):
        yield


@contextmanager
def a_replica(server: Valkey) -> Iterator[None]:
    with _client(server) as client:
        client.slaveof("127.0.0.1", str(free_port()))  # type: ignore[arg-type]
        yield
        client.slaveof()


@contextmanager
def a_stale_replica(server: Valkey) -> Iterator[None]:
    with _configured(server, "replica-serve-stale-data", "no", "yes"), a_replica(server):
        yield


@contextmanager
def not_permitted(server: Valkey) -> Iterator[None]:
    with _client(server) as client:
        client.acl_setuser("default", enabled=True, categories=["-@write", "-@scripting"])
        yield
        client.acl_setuser("default", enabled=True, categories=["+@all"])


@contextmanager
def unable_to_save(server: Valkey) -> Iterator[None]:
    """Its disk is gone, and what is kept in memory alone it refuses to take."""
    with _client(server) as client:
        client.config_set("save", "3600 1")
        shutil.rmtree(server.directory)
        client.bgsave()
        _until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
        yield
        client.config_set("save", "")


@contextmanager
def busy(server: Valkey) -> Iterator[None]:
    """Somebody's script does not end."""
    with (
        _configured(server, "lua-time-limit", "10", "5000"),
        _client(server) as client,
        _client(server) as other,
        ThreadPoolExecutor(1) as thread,
    ):
        endless = thread.submit(other.eval, "while true do end", 0)
        _until(lambda: _is_busy(client))
        yield
        client.script_kill()
        assert endless.exception() is not None


STATES: tuple[State, ...] = (
    stopped, frozen, full, a_replica, a_stale_replica, without_replicas, not_permitted,
    unable_to_save, busy,
)  # fmt: skip


@contextmanager
def _configured(server: Valkey, name: str, value: str, before: str) -> Iterator[None]:
    with _client(server) as client:
        client.config_set(name, value)
        yield
        client.config_set(name, before)


@contextmanager
def _client(server: Valkey) -> Iterator[redis.Redis]:
    with contextlib.closing(redis.Redis.from_url(server.url)) as client:
        yield client


def _is_busy(client: redis.Redis) -> bool:
    try:
        client.ping()
    except redis.exceptions.ResponseError as refused:
        return "BUSY" in str(refused)
    return False


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
