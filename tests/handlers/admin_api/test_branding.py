"""Uploaded images over the Admin API: as bytes or as JSON, in versions, and those of Porta 1.x."""

from __future__ import annotations

import httpx
import pytest

from porta.images import upload
from tests.porta.images.made import jpeg, png, svg
from tests.world.administrators import Installation, bearer

_1X = """
    INSERT INTO branding_assets (organization_id, asset_type, content_type, data, file_size)
    VALUES (%(id)s, %(kind)s, %(type)s, %(data)s, %(size)s)
"""
_PNG = {"Content-Type": "image/png"}


async def _path(installation: Installation) -> str:
    return f"/organizations/{(await installation.organization()).id}/branding"


async def _of_1x(installation: Installation, path: str, kind: str, data: bytes) -> None:
    id = path.split("/")[2]
    values = {"id": id, "kind": kind, "type": "image/png", "data": data, "size": len(data)}
    await installation.execute(_1X, **values)


@pytest.mark.parametrize(
    ("content", "said", "found"),
    [
        (png(), "image/png", "image/png"),
        (jpeg(), "image/png; charset=binary", "image/jpeg"),
        (svg(), "IMAGE/SVG+XML", "image/svg+xml"),
        (png(), "application/octet-stream", "image/png"),
        (svg(), None, "image/svg+xml"),
    ],
)
async def test_an_image_is_sent_as_it_is_and_typed_by_its_content(
    api: httpx.AsyncClient, installation: Installation, content: bytes, said: str | None, found: str
) -> None:
    """As the SDK of Porta 1.x sends it."""
    path = await _path(installation)
    headers = {"Content-Type": said} if said is not None else {}
    answer = await api.put(f"{path}/logo", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["contentType"] == found
    read = await api.get(f"{path}/logo")
    assert read.headers["Content-Type"] == found
    assert read.headers["X-Content-Type-Options"] == "nosniff"
    public = await api.get(answer.json()["data"]["url"], headers={"Authorization": ""})
    assert (public.status_code, public.content) == (200, read.content)


@pytest.mark.parametrize("said", ["text/html", "image/gif", "application/xml"])
async def test_a_body_of_another_kind_is_refused(
    api: httpx.AsyncClient, installation: Installation, said: str
) -> None:
    path = await _path(installation)
    answer = await api.put(f"{path}/logo", content=png(), headers={"Content-Type": said})
    assert answer.status_code == 415


async def test_an_image_has_a_limit_of_its_own(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = await _path(installation)
    large = png() + bytes(upload.LARGEST)
    answer = await api.put(f"{path}/logo", content=large, headers=_PNG)
    assert answer.status_code == 400
    assert str(upload.LARGEST) in answer.json()["details"][0]["message"]
    huge = bytes(upload.LARGEST * 2)
    assert (await api.put(f"{path}/logo", content=huge, headers=_PNG)).status_code == 413
    other = await api.put(path, content=huge[: upload.LARGEST], headers=_PNG)
    assert other.status_code == 413  # the routes beside it take as much as others do


async def test_an_upload_is_a_change_of_the_organization(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = await _path(installation)
    before = (await api.get(path)).headers["ETag"]
    stale = {**_PNG, "If-Match": before}
    first = await api.put(f"{path}/logo", content=png(), headers=stale)
    assert first.status_code == 200
    assert (await api.get(path)).headers["ETag"] == first.headers["ETag"] != before
    assert (await api.put(f"{path}/logo", content=jpeg(), headers=stale)).status_code == 412
    assert (await api.delete(f"{path}/logo", headers=stale)).status_code == 412
    again = await api.put(f"{path}/logo", content=png(), headers=_PNG)
    assert again.headers["ETag"] == first.headers["ETag"]  # the same image is no change
    history = (await api.get(f"{path.removesuffix('/branding')}/history")).json()["data"]
    events = [each for each in history if each["eventType"] == "org.branding.updated"]
    assert len(events) == 1
    assert events[0]["metadata"]["changed"] == ["brand_assets"]


async def test_nothing_is_left_of_what_was_replaced_or_deleted(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = await _path(installation)
    id = path.split("/")[2]

    async def kept() -> int:
        sql = "SELECT count(*) FROM assets WHERE organization_id = %(id)s"
        return int((await installation.fetch(sql, id=id))[0][0])

    for content in (png(), png(color=1), png(color=2)):
        await api.put(f"{path}/logo", content=content, headers=_PNG)
    await api.put(f"{path}/favicon", content=png(), headers=_PNG)
    assert await kept() == 2
    assert (await api.delete(f"{path}/logo")).status_code == 204
    assert await kept() == 1
    assert (await api.delete(f"/organizations/{id}")).status_code == 200
    assert await kept() == 0


async def test_the_look_of_administrators_is_for_super_administrators(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    person = await installation.person_with("admin:org:read", "admin:org:update")
    headers = {**_PNG, **bearer(await installation.token(person))}
    path = f"/organizations/{installation.admin_id}/branding/logo"
    assert (await api.put(path, content=png(), headers=headers)).status_code == 403
    assert (await api.delete(path, headers=headers)).status_code == 403
    assert (await api.get(path)).status_code == 404


async def test_what_porta_1x_was_given_is_listed_and_looked_into_before_it_is_sent(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = await _path(installation)
    await _of_1x(installation, path, "logo", png() + b"<script>")
    await _of_1x(installation, path, "favicon", b"<html><script>alert(1)</script>")
    assets = (await api.get(path)).json()["data"]["assets"]
    assert [(each["assetType"], each["url"]) for each in assets] == [
        ("logo", None),
        ("favicon", None),
    ]
    assert (await api.get(f"{path}/logo")).content == png()
    assert (await api.get(f"{path}/favicon")).status_code == 404
    assert (await api.put(f"{path}/logo", content=jpeg(), headers=_PNG)).status_code == 200
    assert (await api.delete(f"{path}/favicon")).status_code == 204
    (asset,) = (await api.get(f"{path}/assets")).json()["data"]
    assert (asset["assetType"], asset["contentType"]) == ("logo", "image/jpeg")
    assert (await api.delete(f"{path}/logo")).status_code == 204
    assert (await api.get(f"{path}/assets")).json() == {"data": [], "total": 0}


async def test_settings_are_where_the_sdk_of_porta_1x_looks_for_them(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = await _path(installation)
    body = {"logoUrl": "https://x.example/l.png", "primaryColor": "#0F766E", "companyName": "Ltd."}
    answer = await api.put(path, json=body)
    wanted = {**body, "faviconUrl": None, "customCss": None}
    assert answer.json()["data"].items() >= wanted.items()
    assert (await api.get(path)).json()["data"].items() >= wanted.items()
    patched = await api.patch(path, json={"logoUrl": None})
    assert patched.json()["data"].items() >= {**wanted, "logoUrl": None}.items()
