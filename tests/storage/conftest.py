"""A Storage with a Redis of its own, and one without any; Sentinels and a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from storage.redis.lane import Redis
from storage.router import Storage
from tests.world.topologies import Cluster, SentinelTrio, started
from tests.world.valkey import Valkey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sentinel_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Three Sentinels with a primary and a replica."""
    trio = SentinelTrio(tmp_path_factory.mktemp("sentinels"), down_after=30)
    with started(trio):
        yield trio.url


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of three primaries."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    with started(cluster):
        yield cluster.url


@pytest_asyncio.fixture
async def storage(database_url: str, server: Valkey) -> AsyncIterator[Storage]:
    storage = await Storage.open(database_url, server.url)
    yield storage
    await storage.close()


@pytest_asyncio.fixture
async def alone(database_url: str) -> AsyncIterator[Storage]:
    """A Storage without Redis."""
    storage = await Storage.open(database_url, None)
    yield storage
    await storage.close()


@pytest.fixture(params=["storage", "alone"])
def either(request: pytest.FixtureRequest, storage: Storage, alone: Storage) -> Storage:
    return {"storage": storage, "alone": alone}[request.param]


@pytest_asyncio.fixture
async def redis(server: Valkey) -> AsyncIterator[Redis]:
    redis = await Redis.open(server.url)
    yield redis
    await redis.close()
