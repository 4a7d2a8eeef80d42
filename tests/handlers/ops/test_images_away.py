"""Pages of an organization whose images are in a bucket that does not answer (issue 8.9)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from porta.audit.actors import SYSTEM
from porta.config.settings import Settings
from porta.runtime import Runtime
from porta.services import brand_assets
from tests.porta.images.made import png
from tests.world.object_storage import KEY_ID, REGION, SECRET, ObjectStorage, object_storage
from tests.world.served import settings_at
from tests.world.waiting import eventually

_BROWSER = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def server_of_images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStorage]:
    with object_storage(tmp_path_factory.mktemp("s3") / "log") as server:
        server.make_bucket("porta-images")
        yield server


@pytest.fixture(scope="module")
def settings(database_url: str, redis_url: str, server_of_images: ObjectStorage) -> Settings:
    return settings_at(
        database_url,
        redis_url,
        asset_storage_url="s3://porta-images",
        asset_storage_endpoint=server_of_images.url,
        asset_storage_region=REGION,
        asset_storage_key_id=KEY_ID,
        asset_storage_secret=SECRET,
    )


async def test_issue8_9_pages_go_on_without_the_logo_while_the_bucket_is_silent(
    runtime: Runtime, http: httpx.AsyncClient, server_of_images: ObjectStorage
) -> None:
    image = await brand_assets.clean(png(color=5))
    async with runtime.storage.everywhere.transaction() as tx:
        stored = await brand_assets.put(tx, SYSTEM, "acme", "logo", image)
    asset = stored.brand_assets.logo
    assert asset is not None
    assert server_of_images.keys("porta-images") == [f"tenants/{stored.id}/{asset.name}"]
    path = f"/acme/branding/{asset.name}"

    async def shown() -> bool:
        return path in (await http.get("/acme", headers=_BROWSER)).text

    await eventually(shown)
    server_of_images.freeze()
    try:
        begun = time.monotonic()
        page = await http.get("/acme", headers=_BROWSER)
        assert page.status_code == 200
        assert path in page.text
        assert time.monotonic() - begun < 3
        refused = await http.get(path, timeout=15)
        assert refused.status_code == 503
        assert "immutable" not in refused.headers.get("Cache-Control", "")
        begun = time.monotonic()
        assert (await http.get(path)).status_code == 503
        assert time.monotonic() - begun < 3, "the next visitor is not kept waiting"
    finally:
        server_of_images.thaw()

    async def there() -> bool:
        answer = await http.get(path)
        return answer.status_code == 200 and answer.content == png(color=5)

    await eventually(there)
