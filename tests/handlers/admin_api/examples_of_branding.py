"""Examples: how an organization looks, and its uploaded images."""

from __future__ import annotations

import base64
from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.porta.images.made import jpeg, png, svg
from tests.world.administrators import Installation

_BASE = "/organizations/{idOrSlug}/branding"
_ASSET = f"{_BASE}/{{assetType}}"
_STALE = {"If-Match": '"999999"'}


def _upload(content: bytes, content_type: str = "image/png") -> dict[str, str]:
    return {"data": base64.b64encode(content).decode(), "contentType": content_type}


async def _with_logo(installation: Installation) -> str:
    id = (await installation.organization()).id
    await installation.put(f"/organizations/{id}/branding/logo", _upload(png()))
    return id


@example("GET", _BASE)
async def read_branding(installation: Installation) -> Example:
    id = await _with_logo(installation)

    def check(body: Any) -> None:
        look = body["data"]
        assert (look["logoUrl"], look["links"]["support"]) == (None, None)
        (asset,) = look["assets"]
        assert (asset["assetType"], asset["contentType"]) == ("logo", "image/png")

    return Example({"idOrSlug": id}, check=check)


@example("GET", _BASE)
async def read_branding_of_nobody(installation: Installation) -> Example:
    del installation
    return Example({"idOrSlug": NOBODY}, status=404)


async def _change(installation: Installation) -> Example:
    organization = await installation.organization()

    def check(body: Any) -> None:
        found = body["data"]
        assert found["branding"]["primaryColor"] == found["primaryColor"] == "#C2410C"
        assert found["slug"] == organization.slug

    body = {"primaryColor": "#C2410C", "logoUrl": None}
    return Example({"idOrSlug": organization.id}, body=body, check=check)


async def _change_wrongly(installation: Installation) -> Example:
    organization = await installation.organization()
    return Example({"idOrSlug": organization.id}, body={"radius": 99}, status=400)


async def _change_what_has_changed(installation: Installation) -> Example:
    organization = await installation.organization()
    body = {"companyName": "B"}
    return Example({"idOrSlug": organization.id}, body=body, headers=_STALE, status=412)


async def _change_nobody(installation: Installation) -> Example:
    del installation
    return Example({"idOrSlug": NOBODY}, body={"companyName": "B"}, status=404)


for _method in ("PUT", "PATCH"):
    for _make in (_change, _change_wrongly, _change_what_has_changed, _change_nobody):
        example(_method, _BASE)(_make)


@example("GET", f"{_BASE}/assets")
async def list_assets(installation: Installation) -> Example:
    id = await _with_logo(installation)

    def check(body: Any) -> None:
        (asset,) = body["data"]
        assert (asset["organizationId"], asset["fileSize"], body["total"]) == (id, len(png()), 1)

    return Example({"idOrSlug": id}, check=check)


@example("GET", f"{_BASE}/assets")
async def list_assets_of_nobody(installation: Installation) -> Example:
    del installation
    return Example({"idOrSlug": NOBODY}, status=404)


@example("GET", _ASSET)
async def read_asset(installation: Installation) -> Example:
    id = await _with_logo(installation)

    def check(content: Any) -> None:
        assert content == png()

    return Example({"idOrSlug": id, "assetType": "logo"}, check=check)


@example("GET", _ASSET)
async def read_no_asset(installation: Installation) -> Example:
    id = await _with_logo(installation)
    return Example({"idOrSlug": id, "assetType": "favicon"}, status=404)


@example("PUT", _ASSET)
async def upload_asset(installation: Installation) -> Example:
    id = await _with_logo(installation)

    def check(body: Any) -> None:
        asset = body["data"]
        assert (asset["assetType"], asset["contentType"]) == ("logo-dark", "image/jpeg")
        assert "/branding/logo-dark-" in asset["url"]

    body = _upload(jpeg())
    return Example({"idOrSlug": id, "assetType": "logo-dark"}, body=body, check=check)


@example("PUT", _ASSET)
async def upload_what_is_no_image(installation: Installation) -> Example:
    id = (await installation.organization()).id
    body = _upload(svg("<script/>"), "image/svg+xml")

    def check(body: Any) -> None:
        assert body["details"][0]["path"] == "data"
        assert "script" in body["details"][0]["message"]

    return Example({"idOrSlug": id, "assetType": "logo"}, body=body, status=400, check=check)


@example("PUT", _ASSET)
async def upload_what_is_no_base64(installation: Installation) -> Example:
    id = (await installation.organization()).id
    body = {"data": "%", "contentType": "image/png"}
    return Example({"idOrSlug": id, "assetType": "logo"}, body=body, status=400)


@example("PUT", _ASSET)
async def upload_a_banner(installation: Installation) -> Example:
    id = (await installation.organization()).id
    return Example({"idOrSlug": id, "assetType": "banner"}, body=_upload(png()), status=404)


@example("PUT", _ASSET)
async def upload_to_what_has_changed(installation: Installation) -> Example:
    id = (await installation.organization()).id
    path = {"idOrSlug": id, "assetType": "logo"}
    return Example(path, body=_upload(png()), headers=_STALE, status=412)


@example("DELETE", _ASSET)
async def delete_asset(installation: Installation) -> Example:
    return Example({"idOrSlug": await _with_logo(installation), "assetType": "logo"})


@example("DELETE", _ASSET)
async def delete_no_asset(installation: Installation) -> Example:
    id = (await installation.organization()).id
    return Example({"idOrSlug": id, "assetType": "logo"}, status=404)


@example("DELETE", _ASSET)
async def delete_from_what_has_changed(installation: Installation) -> Example:
    path = {"idOrSlug": await _with_logo(installation), "assetType": "logo"}
    return Example(path, headers=_STALE, status=412)
