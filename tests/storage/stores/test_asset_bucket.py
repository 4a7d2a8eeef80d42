"""A bucket of assets: what is sent in parts, what is signed, and what an outage costs."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from storage.errors import AssetsUnusable, Refused, Unreachable
from storage.models.assets import LONGEST_SIGNED, AssetKey
from storage.router import Storage
from storage.stores.asset_bucket import AssetBucket
from storage.stores.assets import AssetStore, open_assets
from tests.world.object_storage import SECRET, ObjectStorage, object_storage
from tests.world.ports import free_port
from tests.world.processes import ROOT
from tests.world.relay import Relay

_MB = 1024 * 1024
_KEY = AssetKey(None, "logo.png")
_BUCKET = "porta-bucket"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStorage]:
    with object_storage(tmp_path_factory.mktemp("s3") / "log") as server:
        server.make_bucket(_BUCKET)
        yield server


@pytest_asyncio.fixture
async def bucket(server: ObjectStorage) -> AssetStore:
    opened = await open_assets(f"s3://{_BUCKET}", server.access())
    assert opened is not None
    return opened


@pytest_asyncio.fixture
async def relay(server: ObjectStorage) -> AsyncIterator[tuple[Relay, int]]:
    """A wire to the server that can go silent, and its port."""
    relay, port = Relay("127.0.0.1", server.port), free_port()
    listening = await asyncio.start_server(relay.accept, "127.0.0.1", port)
    yield relay, port
    listening.close()
    await relay.close()


@pytest.mark.parametrize(("size", "parts"), [(10 * _MB, None), (10 * _MB + 1, 3), (16 * _MB, 4)])
async def test_issue8_9_more_than_ten_megabytes_go_in_parts_of_five(
    server: ObjectStorage, bucket: AssetStore, size: int, parts: int | None
) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    await bucket.put(_KEY, content[:size])
    assert server.parts(_BUCKET, str(_KEY)) == parts
    assert await bucket.get(_KEY) == content[:size]
    assert server.unfinished(_BUCKET) == []


async def test_issue8_9_a_key_is_what_it_is_called(server: ObjectStorage) -> None:
    server.make_bucket("porta-named")
    whole = await open_assets("s3://porta-named", server.access())
    below = await open_assets("s3://porta-named/of/porta/", server.access())
    assert whole is not None
    assert below is not None
    id = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    for store in (whole, below):
        await store.put(AssetKey(None, "a.png"), b"a")
        await store.put(AssetKey(id, "b.png"), b"b")
    named = ["system/a.png", f"tenants/{id}/b.png"]
    assert server.keys("porta-named") == [*(f"of/porta/{key}" for key in named), *named]
    await below.clear(id)
    assert server.keys("porta-named") == ["of/porta/system/a.png", *named]


async def test_issue8_9_a_signed_url_is_a_download_for_a_time(bucket: AssetStore) -> None:
    await bucket.put(_KEY, b"<svg/>")
    signed = await bucket.signed_url(_KEY, 60)
    assert signed is not None
    assert parse_qs(urlsplit(signed).query)["X-Amz-Expires"] == ["60"]
    assert SECRET not in signed
    async with httpx.AsyncClient() as anybody:
        answer = await anybody.get(signed)
    assert answer.content == b"<svg/>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_SIGNED + 1])
async def test_nothing_is_signed_for_longer_than_a_week(bucket: AssetStore, seconds: int) -> None:
    with pytest.raises(ValueError, match="signed URL"):
        await bucket.signed_url(_KEY, seconds)


async def test_issue8_9_a_bucket_that_is_not_there_is_told_at_the_start(
    server: ObjectStorage,
) -> None:
    with pytest.raises(AssetsUnusable, match="cannot be written to: NoSuchBucket"):
        await open_assets("s3://porta-none", server.access())


async def test_issue8_9_a_key_that_is_refused_is_told_at_the_start(server: ObjectStorage) -> None:
    server.refuse_everybody()
    try:
        with pytest.raises(AssetsUnusable, match="written to: InvalidAccessKeyId") as refused:
            await open_assets(f"s3://{_BUCKET}", server.access())
    finally:
        server.refuse_nobody()
    assert SECRET not in str(refused.value)


async def test_issue8_9_nothing_waits_long_at_the_start_for_storage_that_is_away(
    server: ObjectStorage, database_url: str
) -> None:
    access, begun = server.access(free_port()), time.monotonic()
    with pytest.raises(AssetsUnusable, match=f"cannot be kept in s3://{_BUCKET}: ") as away:
        await Storage.open(database_url, assets_url=f"s3://{_BUCKET}", bucket=access)
    assert time.monotonic() - begun < 10
    assert "Debug source" not in str(away.value)


async def test_issue8_9_whoever_does_not_require_the_bucket_starts_without_it(
    server: ObjectStorage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    away = await open_assets("s3://porta-later", server.access(required=False))
    assert away is not None
    (told,) = (each for each in caplog.records if each.message == "assets.away")
    assert "porta-later" in str(vars(told)["reason"])
    with pytest.raises(Refused, match="read: NoSuchBucket"):
        await away.get(_KEY)
    server.make_bucket("porta-later")
    await away.put(_KEY, b"x")
    assert await away.get(_KEY) == b"x"


async def test_issue8_9_silence_costs_the_first_some_seconds_and_the_next_nothing(
    server: ObjectStorage, relay: tuple[Relay, int]
) -> None:
    wire, port = relay
    now = 1000.0
    opened = await AssetBucket.open(_BUCKET, "", server.access(port), clock=lambda: now)
    await opened.put(_KEY, b"x")
    wire.silence()
    begun = time.monotonic()
    many = await asyncio.gather(*(opened.get(_KEY) for _ in range(40)), return_exceptions=True)
    assert {type(each) for each in many} == {Unreachable}
    assert time.monotonic() - begun < 12
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="left alone"):
        await opened.get(_KEY)
    assert time.monotonic() - begun < 2
    wire.restore()
    now += 6
    assert await opened.get(_KEY) == b"x"


async def test_issue8_9_what_cannot_be_forgotten_undoes_no_change(
    server: ObjectStorage,
    relay: tuple[Relay, int],
    database_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    wire, port = relay
    caplog.set_level(logging.WARNING)
    storage = await Storage.open(
        database_url, pool_size=2, assets_url=f"s3://{_BUCKET}", bucket=server.access(port)
    )
    done: list[str] = []

    async def next_thing() -> None:
        done.append("done")

    async with storage.transaction() as tx:
        await tx.assets.put(_KEY, b"x")
        await tx.assets.delete(_KEY)
        await tx._after_commit(next_thing)
        wire.silence()
    wire.restore()
    assert done == ["done"], "what else follows the commit follows it still"
    (told,) = (each for each in caplog.records if each.message == "assets.left")
    assert vars(told)["asset"] == str(_KEY)
    await storage.close()


_WITHOUT = """
import asyncio, sys
sys.modules["obstore"] = None
import porta.runtime, handlers.app
from storage.stores.assets import open_assets
try:
    asyncio.run(open_assets("s3://bucket"))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_issue8_9_without_the_extra_all_else_works_and_a_bucket_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("AssetsUnusable assets cannot be kept in s3://bucket: obstore")
    assert "porta[s3]" in done.stdout


def test_issue8_9_who_names_no_bucket_does_not_load_what_speaks_to_one() -> None:
    asked = "import porta.runtime, sys; print('obstore' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "False"


def test_issue8_9_a_server_that_cannot_use_its_bucket_names_it_and_no_database(
    tmp_path: Path,
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "ISSUER_BASE_URL": "http://localhost:3000",
        "COOKIE_KEYS": "k" * 32,
        "SIGNING_KEY_ENCRYPTION_KEY": "ab" * 32,
        "ASSET_STORAGE_URL": "s3://porta-images",
        "ASSET_STORAGE_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "ASSET_STORAGE_KEY_ID": "key",
        "ASSET_STORAGE_SECRET": SECRET,
    }
    done = subprocess.run(
        [sys.executable, "-m", "porta", "serve"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    told = done.stderr.strip()
    assert told.startswith("Error: Assets cannot be kept in s3://porta-images: ")
    assert "DATABASE" not in told
    assert SECRET not in told
    assert "Traceback" not in told
