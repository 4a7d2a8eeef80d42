"""Branding: how an organization looks, and its uploaded logos and icon."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

from pydantic import Field

from handlers.admin_api.organizations import Branding, Organization, branding_of, shown
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Items, Moment, Shown
from porta.errors import Invalid
from porta.images import upload
from porta.images.image import Image
from porta.pages.branding import asset_path
from porta.services import brand_assets, organizations
from porta.services.brands import BrandingPatch
from porta.services.commands import Command
from porta.services.organization_fields import OrganizationPatch
from porta.services.permissions import needed_by
from storage.models.organizations import BrandAsset
from storage.models.organizations import Organization as Stored

_BASE = "/organizations/{idOrSlug}/branding"
_ASSET = f"{_BASE}/{{assetType}}"
_BODY = upload.LARGEST * 4 // 3 + 4096
"""Bytes of a body: Base64 makes four of three, and what is around it."""
_KINDS = ", ".join(brand_assets.KINDS)


class Asset(Shown):
    """An uploaded image."""

    id: str
    organization_id: str
    asset_type: str = Field(description=f"One of: {_KINDS}")
    content_type: str = Field(description="What it is by its content")
    file_size: int = Field(description="Bytes")
    url: str | None = Field(
        description="Where everybody gets it; null for one of Porta 1.x, which no page shows"
    )
    created_at: Moment
    updated_at: Moment


class BrandingWithAssets(Branding):
    """How an organization looks, with its uploaded images."""

    assets: tuple[Asset, ...]


class Branded(Organization):
    """An organization; what Porta 1.x knows of its look stands a second time where 1.x's SDK
    looks for it.
    """

    logo_url: str | None
    favicon_url: str | None
    primary_color: str | None
    company_name: str | None
    custom_css: str | None


class Upload(Command):
    """An image, in JSON; or send it as it is, with its media type."""

    data: str = Field(description="Base64", max_length=_BODY)
    content_type: Literal[
        "image/png",
        "image/svg+xml",
        "image/x-icon",
        "image/vnd.microsoft.icon",
        "image/jpeg",
        "image/webp",
    ] = Field(description="What it is said to be; its content decides")


def _asset(call: Call, stored: Stored, kind: str, asset: BrandAsset) -> Asset:
    path = asset_path(stored, brand_assets.KINDS[kind])
    return Asset(
        id=asset.id,
        organization_id=stored.id,
        asset_type=kind,
        content_type=asset.content_type,
        file_size=asset.size,
        url=f"{call.runtime.settings.issuer_base_url}{path}" if path else None,
        created_at=asset.created_at,
        updated_at=asset.updated_at,
    )


async def _assets(call: Call) -> tuple[Stored, tuple[Asset, ...]]:
    target = call.path["idOrSlug"]
    stored = await organizations.get(call.storage, call.actor, target)
    found = await brand_assets.list(call.storage, call.actor, target)
    return stored, tuple(_asset(call, stored, kind, each) for kind, each in found.items())


async def _get(call: Call) -> Answer:
    stored, assets = await _assets(call)
    look = BrandingWithAssets(**dict(branding_of(stored)), assets=assets)
    return Answer(Data(data=look), version=stored.version)


async def _update(call: Call) -> Answer:
    patch = OrganizationPatch(branding=call.body_as(BrandingPatch))
    target = call.path["idOrSlug"]
    stored = await organizations.update(call.storage, call.actor, target, patch, call.version)
    look = branding_of(stored)
    again = {
        name: getattr(look, name)
        for name in Branded.model_fields
        if name not in Organization.model_fields
    }
    body = Branded(**dict(shown(stored)), **again)
    return Answer(Data(data=body), version=stored.version)


async def _list(call: Call) -> Answer:
    stored, assets = await _assets(call)
    return Answer(Items(data=assets, total=len(assets)), version=stored.version)


async def _read(call: Call) -> Answer:
    kind = call.path["assetType"]
    image = await brand_assets.read(call.storage, call.actor, call.path["idOrSlug"], kind)
    return Answer(content=image.content, headers={"Content-Type": image.content_type})


async def _clean(call: Call) -> Image:
    content = call.raw if call.raw is not None else _decoded(call.body_as(Upload).data)
    return await brand_assets.clean(content)


async def _put(call: Call) -> Answer:
    kind, target = call.path["assetType"], call.path["idOrSlug"]
    image = call.prepared
    assert isinstance(image, Image)
    stored = await brand_assets.put(call.storage, call.actor, target, kind, image, call.version)
    asset: BrandAsset = getattr(stored.brand_assets, brand_assets.KINDS[kind])
    return Answer(Data(data=_asset(call, stored, kind, asset)), version=stored.version)


async def _delete(call: Call) -> Answer:
    kind, target = call.path["assetType"], call.path["idOrSlug"]
    stored = await brand_assets.delete(call.storage, call.actor, target, kind, call.version)
    return Answer(version=stored.version)


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid.at("data", message="is no Base64") from None


ROUTES = (
    Route(
        "GET",
        _BASE,
        "Read how an organization looks",
        _get,
        permissions=needed_by(organizations.get),
        response=Data[BrandingWithAssets],
        delegable=True,
    ),
    *(
        Route(
            method,
            _BASE,
            "Change how an organization looks: what is left out stays, null removes",
            _update,
            permissions=needed_by(organizations.update),
            request=BrandingPatch,
            response=Data[Branded],
            errors=(400, 412),
            delegable=True,
        )
        for method in ("PUT", "PATCH")
    ),
    Route(
        "GET",
        f"{_BASE}/assets",
        "List the uploaded images of an organization",
        _list,
        permissions=needed_by(brand_assets.list),
        response=Items[Asset],
        delegable=True,
    ),
    Route(
        "GET",
        _ASSET,
        "Read an uploaded image",
        _read,
        permissions=needed_by(brand_assets.read),
        raw_answers=upload.CONTENT_TYPES,
        delegable=True,
    ),
    Route(
        "PUT",
        _ASSET,
        f"Upload an image ({_KINDS}), to be shown on the pages",
        _put,
        permissions=needed_by(brand_assets.put),
        request=Upload,
        prepare=_clean,
        raw_types=upload.CONTENT_TYPES,
        response=Data[Asset],
        errors=(400, 412),
        longest_body=_BODY,
        delegable=True,
    ),
    Route(
        "DELETE",
        _ASSET,
        "Delete an uploaded image",
        _delete,
        permissions=needed_by(brand_assets.delete),
        errors=(412,),
        delegable=True,
    ),
)
