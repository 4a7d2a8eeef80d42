"""Brand asset service: the logos and the icon of an organization, uploaded, read and deleted."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Invalid, NotFound
from porta.images import upload
from porta.images.image import Image, NoImage
from porta.services import organizations
from porta.services.permissions import needs
from porta.services.targets import require
from storage.models.assets import AssetKey
from storage.models.organizations import BrandAsset, BrandAssets, Organization

if TYPE_CHECKING:
    from porta.runtime import Runtime
    from storage.router import Storage

WHAT = "Asset"
KINDS = {"logo": "logo", "logo-dark": "logo_dark", "favicon": "favicon"}
"""What can be uploaded: as it is called outside, and the field that it is."""


@needs("admin:org:read")
async def list(storage: Storage, actor: Actor, target: str) -> dict[str, BrandAsset]:
    """Return what was uploaded for an organization, by kind; to Porta 1.x too. Raises NotFound."""
    organization = await organizations.get(storage, actor, target)
    former = await storage.former_assets.of(organization.id)
    found = {kind: _asset(organization, kind) or former.get(kind) for kind in KINDS}
    return {kind: asset for kind, asset in found.items() if asset is not None}


@needs("admin:org:read")
async def read(storage: Storage, actor: Actor, target: str, kind: str) -> Image:
    """Return an uploaded image. Raises NotFound, also for what of Porta 1.x is none."""
    organization = await organizations.get(storage, actor, target)
    _check_kind(kind)
    asset = _asset(organization, kind)
    if asset is not None:
        content = await storage.assets.get(key_of(organization, asset))
        if content is not None:
            return Image(content, asset.content_type, "")
    former = await storage.former_assets.content(organization.id, kind)
    if asset is not None or former is None:
        raise NotFound(f"{WHAT} not found")
    try:
        return await clean(former)
    except Invalid:  # nobody looked into it when it was stored
        raise NotFound(f"{WHAT} not found") from None


@needs("admin:org:update")
async def put(
    tx: Storage, actor: Actor, target: str, kind: str, image: Image, version: int | None = None
) -> Organization:
    """Keep an image (`clean`), and show it on the pages of an organization from now on.

    Raises NotFound, PreconditionFailed, and Forbidden for the super-admin organization.
    """
    _check_kind(kind)
    stored = await organizations.hold_for_change(tx, actor, target, version)
    before = _asset(stored, kind)
    name = f"{kind}-{hashlib.sha256(image.content).hexdigest()[:32]}.{image.suffix}"
    if before is not None and before.name == name:
        return stored
    now = await tx.now()
    made = BrandAsset(
        id=before.id if before is not None else str(uuid.uuid4()),
        name=name,
        content_type=image.content_type,
        size=len(image.content),
        created_at=before.created_at if before is not None else now,
        updated_at=now,
    )
    await tx.assets.put(AssetKey(stored.id, name), image.content)
    return await _replace(tx, actor, stored, kind, made)


@needs("admin:org:update")
async def delete(
    tx: Storage, actor: Actor, target: str, kind: str, version: int | None = None
) -> Organization:
    """Delete an uploaded image: pages show what they would without it. Raises as `put` does."""
    _check_kind(kind)
    stored = await organizations.hold_for_change(tx, actor, target, version)
    if _asset(stored, kind) is None and not await tx.former_assets.delete(stored.id, kind):
        raise NotFound(f"{WHAT} not found")
    return await _replace(tx, actor, stored, kind, None)


async def clean(content: bytes) -> Image:
    """Return an image made anew, off the event loop and before a transaction that keeps it.

    Raises Invalid for what is no image that is taken (`images/upload.py`).
    """
    try:
        return await asyncio.to_thread(upload.clean, content)
    except NoImage as error:
        raise Invalid.at("data", message=str(error)) from None


async def find_content(runtime: Runtime, organization: Organization, asset: BrandAsset) -> bytes:
    """Return what is in an image that everybody may see. Raises NotFound."""
    key = key_of(organization, asset)
    content = await runtime.images.get(str(key), partial(runtime.storage.assets.get, key))
    if content is None:
        raise NotFound(f"{WHAT} not found")
    return content


def key_of(organization: Organization, asset: BrandAsset) -> AssetKey:
    """Return the key that an uploaded image of an organization is kept under."""
    return AssetKey(organization.id, asset.name)


def find_public(organization: Organization, name: str) -> BrandAsset | None:
    """Return the image that an address names, or the one that has come in its place."""
    for kind, field in KINDS.items():
        asset: BrandAsset | None = getattr(organization.brand_assets, field)
        if asset is not None and name.rpartition("-")[0] == kind:
            return asset
    return None


async def _replace(
    tx: Storage, actor: Actor, stored: Organization, kind: str, made: BrandAsset | None
) -> Organization:
    before = _asset(stored, kind)
    if before is not None:
        await tx.assets.delete(key_of(stored, before))
    await tx.former_assets.delete(stored.id, kind)
    assets = msgspec.structs.replace(stored.brand_assets, **{KINDS[kind]: made})
    after = await _written(tx, stored, assets)
    await record_change(
        tx,
        actor,
        "org.branding.updated",
        stored,
        after,
        fields={"brand_assets"},
        organization_id=stored.id,
        asset=kind,
    )
    return after


async def _written(tx: Storage, stored: Organization, assets: BrandAssets) -> Organization:
    written = await tx.organizations.update(stored.id, {"brand_assets": assets})
    return require(written, organizations.WHAT)


def _asset(organization: Organization, kind: str) -> BrandAsset | None:
    asset: BrandAsset | None = getattr(organization.brand_assets, KINDS[kind])
    return asset


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise NotFound(f"{WHAT} not found")
