"""Uploaded images as everybody gets them, and the pages that show them (security J.2)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM
from porta.runtime import Runtime
from porta.services import brand_assets
from tests.porta.images.made import jpeg, png, svg
from tests.world.waiting import eventually

_BROWSER = {"Accept": "text/html"}
_IMMUTABLE = "public, max-age=31536000, immutable"


@pytest_asyncio.fixture(loop_scope="session")
async def bare(runtime: Runtime) -> AsyncIterator[Runtime]:
    """An organization that has uploaded nothing yet, and will have nothing afterwards."""
    yield runtime
    for kind in brand_assets.KINDS:
        async with runtime.storage.everywhere.transaction() as tx:
            if kind in await brand_assets.list(tx, SYSTEM, "acme"):
                await brand_assets.delete(tx, SYSTEM, "acme", kind)


async def _upload(runtime: Runtime, kind: str, content: bytes) -> str:
    """Upload an image, and return its path once the server knows."""
    image = await brand_assets.clean(content)
    async with runtime.storage.everywhere.transaction() as tx:
        stored = await brand_assets.put(tx, SYSTEM, "acme", kind, image)
    asset = getattr(stored.brand_assets, brand_assets.KINDS[kind])
    return f"/acme/branding/{asset.name}"


async def _known(runtime: Runtime, path: str) -> None:
    async def shows() -> bool:
        organization = await runtime.organization("acme")
        name = path.rpartition("/")[2]
        assert organization is not None
        asset = brand_assets.find_public(organization, name)
        return asset is not None and asset.name == name

    await eventually(shows)


@pytest.mark.parametrize(
    ("kind", "content", "content_type"),
    [
        ("logo", png(), "image/png"),
        ("logo-dark", jpeg(), "image/jpeg"),
        ("favicon", svg(), "image/svg+xml"),
    ],
)
async def test_security_J2_an_image_is_a_file_that_can_do_nothing(
    bare: Runtime, http: httpx.AsyncClient, kind: str, content: bytes, content_type: str
) -> None:
    path = await _upload(bare, kind, content)
    await _known(bare, path)
    answer = await http.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Cache-Control"] == _IMMUTABLE
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox"} <= set(policy)
    assert "Set-Cookie" not in answer.headers
    again = await http.get(path, headers={"If-None-Match": answer.headers["Etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await http.head(path)
    assert head.headers["Content-Length"] == str(len(answer.content))


async def test_an_old_page_gets_the_image_of_today_and_does_not_keep_it(
    bare: Runtime, http: httpx.AsyncClient
) -> None:
    old = await _upload(bare, "logo", png(color=1))
    new = await _upload(bare, "logo", png(color=2))
    await _known(bare, new)
    assert old != new
    answers = [await http.get(path) for path in (old, new)]
    assert answers[0].content == answers[1].content == png(color=2)
    assert [each.headers["Cache-Control"] for each in answers] == ["no-cache", _IMMUTABLE]


async def test_another_organization_and_another_name_have_no_image(
    bare: Runtime, http: httpx.AsyncClient
) -> None:
    path = await _upload(bare, "logo", png())
    await _known(bare, path)
    name = path.rpartition("/")[2]
    for other in (
        f"/globex/branding/{name}",
        f"/none/branding/{name}",
        f"/acme/branding/x{name}",
        "/acme/branding/logo",
        "/acme/branding/favicon-0.png",
        "/acme/branding/..%2f..%2fsecret",
        "/acme/branding/logo-%00.png/..",
    ):
        answer = await http.get(other)
        assert answer.status_code == 404, other
        assert answer.content != png()


async def test_pages_show_what_was_uploaded_in_the_place_of_an_address(
    bare: Runtime, http: httpx.AsyncClient
) -> None:
    paths = {kind: await _upload(bare, kind, png(color=9)) for kind in brand_assets.KINDS}
    for path in paths.values():
        await _known(bare, path)
    page = (await http.get("/acme", headers=_BROWSER)).text
    assert f'<link rel="icon" href="{paths["favicon"]}">' in page
    assert f'<img class="logo" src="{paths["logo"]}"' in page
    dark = f'<source media="(prefers-color-scheme: dark)" srcset="{paths["logo-dark"]}">'
    assert dark in page
    (sheet,) = re.findall(r'href="(/acme/branding\.css[^"]*)"', page)
    assert ".logo{padding:0" in (await http.get(sheet)).text  # no plate below a dark logo
    async with bare.storage.everywhere.transaction() as tx:
        await brand_assets.delete(tx, SYSTEM, "acme", "logo")

    async def gone() -> bool:
        page = await http.get("/acme", headers=_BROWSER)
        return page.status_code == 200 and 'class="logo"' not in page.text

    await eventually(gone)
    assert (await http.get(paths["logo"])).status_code == 404
