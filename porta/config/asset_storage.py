"""Asset storage in settings: where uploaded images are kept, and how a bucket is reached."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from porta.config.hosts import is_private_host
from storage.models.assets import BucketAccess

if TYPE_CHECKING:
    from porta.config.settings import Settings

_PLACE = re.compile(
    # Names of buckets as S3 has them; a folder's segments are such as need no encoding.
    r"file:///.+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?",
    re.ASCII,
)
_ENDPOINT = re.compile(
    r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+])(:(?P<port>[1-9][0-9]{0,4}))?/?", re.ASCII
)


def check_place(url: str) -> None:
    """Raise ValueError where it names neither a folder nor a bucket."""
    if not _PLACE.fullmatch(url):
        raise ValueError("is malformed")


def check_endpoint(url: str) -> None:
    """Raise ValueError where it is no server that speaks S3."""
    match = _ENDPOINT.fullmatch(url)
    if match is None or int(match["port"] or 1) > 65535:
        raise ValueError("is malformed")


def key_problems(settings: Settings) -> list[str]:
    """Return what is wrong where half of the key of a bucket is given; empty where nothing is."""
    if (settings.asset_storage_key_id is None) == (settings.asset_storage_secret is None):
        return []
    return ["ASSET_STORAGE_KEY_ID, ASSET_STORAGE_SECRET: one is missing; give both, or neither"]


def access_of(settings: Settings) -> BucketAccess:
    """Return how the bucket of the settings is reached."""
    return BucketAccess(
        endpoint=settings.asset_storage_endpoint,
        region=settings.asset_storage_region,
        key_id=settings.asset_storage_key_id,
        secret=settings.asset_storage_secret,
        required=settings.asset_storage_required,
    )


def is_in_the_open(endpoint: str | None) -> bool:
    """Whether what is kept travels in plain text to a host that may be public."""
    parts = urlsplit(endpoint or "")
    return parts.scheme == "http" and not is_private_host(parts.hostname)
