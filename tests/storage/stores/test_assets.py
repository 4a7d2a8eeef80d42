"""Assets: one suite for every place they are kept in, and what a folder must not do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from storage.errors import StorageError, Unreachable
from storage.models.assets import AssetKey
from storage.router import Storage
from storage.stores.assets import open_assets
from tests import factories
from tests.world.object_storage import ObjectStorage, object_storage

_NAME = "logo-0123456789abcdef.png"
_CONTENT = bytes(range(256)) * 4
_PLACES = ("postgres", "folder", "bucket", "folder of a bucket")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStorage]:
    with object_storage(tmp_path_factory.mktemp("s3") / "log") as server:
        for bucket in ("porta-whole", "porta-shared"):
            server.make_bucket(bucket)
        yield server


@pytest_asyncio.fixture(params=_PLACES)
async def storage(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path
) -> AsyncIterator[Storage]:
    urls = dict(zip(_PLACES, (
        None, f"file://{tmp_path}", "s3://porta-whole", "s3://porta-shared/of/porta",
    ), strict=True))  # fmt: skip
    url: str | None = urls[request.param]
    access = request.getfixturevalue("server").access() if "bucket" in request.param else None
    opened = await Storage.open(database_url, pool_size=3, assets_url=url, bucket=access)
    yield opened.everywhere  # as the Admin API does
    await opened.close()


async def _organization(storage: Storage) -> str:
    id = str(uuid4())
    await storage.organizations.insert(factories.organization(id=id, name="A", slug=f"a-{id}"))
    return id


async def test_what_is_put_is_there_until_it_is_deleted(storage: Storage) -> None:
    key = AssetKey(await _organization(storage), _NAME)
    assert await storage.assets.get(key) is None
    await storage.assets.put(key, _CONTENT)
    assert await storage.assets.get(key) == _CONTENT
    await storage.assets.put(key, b"other")
    assert await storage.assets.get(key) == b"other"
    await storage.assets.delete(key)
    await storage.assets.delete(key)
    assert await storage.assets.get(key) is None


async def test_a_key_is_of_one_organization_or_of_the_system(storage: Storage) -> None:
    keys = [AssetKey(await _organization(storage), _NAME) for _ in range(2)]
    keys.append(AssetKey(None, _NAME))
    for each, key in enumerate(keys):
        await storage.assets.put(key, bytes([each]))
    assert [await storage.assets.get(key) for key in keys] == [b"\0", b"\1", b"\2"]
    assert keys[0].organization_id is not None
    await storage.assets.clear(keys[0].organization_id)
    assert [await storage.assets.get(key) for key in keys] == [None, b"\1", b"\2"]
    await storage.assets.clear(keys[0].organization_id)
    await storage.assets.delete(keys[2])


@pytest.mark.parametrize("committed", [True, False])
async def test_nothing_that_is_named_is_missing_after_a_transaction(
    storage: Storage, committed: bool
) -> None:
    """What a rolled back change deleted is still there; so is what a committed one put."""
    id = await _organization(storage)
    old, new = AssetKey(id, "logo-old.png"), AssetKey(id, "logo-new.png")
    await storage.assets.put(old, b"old")
    try:
        async with storage.transaction() as tx:
            await tx.assets.put(new, b"new")
            await tx.assets.delete(old)
            if not committed:
                raise LookupError
    except LookupError:
        assert await storage.assets.get(old) == b"old"
    else:
        assert await storage.assets.get(old) is None
        assert await storage.assets.get(new) == b"new"


async def test_only_what_has_urls_of_its_own_signs_one(
    storage: Storage, request: pytest.FixtureRequest
) -> None:
    key = AssetKey(await _organization(storage), _NAME)
    await storage.assets.put(key, _CONTENT)
    signed = await storage.assets.signed_url(key, 60)
    assert (signed is not None) == ("bucket" in request.node.callspec.params["storage"])


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a..b", "a.", "A.png", "a b", "a\0"),
        *("ä", "x" * 101),
    ],
)  # fmt: skip
def test_a_name_cannot_lead_out_of_its_place(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        AssetKey(None, name)


@pytest.mark.parametrize("id", ["", "..", "acme", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"])
def test_an_organization_is_named_by_its_id(id: str) -> None:
    with pytest.raises(ValueError, match="organization"):
        AssetKey(id, "a")


@pytest.mark.parametrize(
    "url", ["s3:///folder", "http://x/", "file:relative", "file://host/x", "/var/x", ""]
)
async def test_another_url_is_no_place_for_assets(url: str) -> None:
    with pytest.raises(ValueError, match="folder"):
        await open_assets(url)


async def test_a_folder_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be kept"):
        await open_assets(f"file://{tmp_path}/none")


async def test_a_folder_never_shows_half_a_file(tmp_path: Path) -> None:
    folder = await open_assets(f"file://{tmp_path}")
    assert folder is not None
    key = AssetKey(None, "a.png")
    contents = [bytes([each]) * 200_000 for each in range(8)]

    async def write(content: bytes) -> None:
        for _ in range(5):
            await folder.put(key, content)

    writing = asyncio.gather(*map(write, contents))
    while not writing.done():
        found = await folder.get(key)
        assert found is None or found in contents
    await writing
    assert [path.name for path in (tmp_path / "system").iterdir()] == ["a.png"]


async def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = await open_assets(f"file://{tmp_path}")
    assert folder is not None
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "system" / "a.png").symlink_to(secret)
    with pytest.raises(Unreachable):
        await folder.get(AssetKey(None, "a.png"))
    await folder.put(AssetKey(None, "a.png"), b"new")
    assert secret.read_text() == "secret"


async def test_a_folder_that_takes_nothing_is_an_outage(tmp_path: Path) -> None:
    folder = await open_assets(f"file://{tmp_path}")
    assert folder is not None
    (tmp_path / "system").rmdir()
    (tmp_path / "system").touch()
    for refused in (folder.put(AssetKey(None, "a.png"), b"x"), folder.get(AssetKey(None, "a.png"))):
        with pytest.raises(Unreachable):
            await refused
