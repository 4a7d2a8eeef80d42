"""Assets: files that are kept whole, under a key that is safe in any store; a bucket of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9])){0,99}")
"""No slash, and no dot but between letters and digits: no name leads out of its folder."""


@dataclass(frozen=True, slots=True)
class AssetKey:
    """`system/{name}`, or `tenants/{organization}/{name}`. Raises ValueError for any other."""

    organization_id: str | None
    """None for what belongs to the installation."""
    name: str

    def __post_init__(self) -> None:
        if self.organization_id is not None and not _ID.fullmatch(self.organization_id):
            raise ValueError("no id of an organization")
        if not _NAME.fullmatch(self.name):
            raise ValueError("no name of an asset")

    def __str__(self) -> str:
        if self.organization_id is None:
            return f"system/{self.name}"
        return f"tenants/{self.organization_id}/{self.name}"


LONGEST_SIGNED = 604_800
"""Seconds: S3 signs for a week at most."""


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """How a bucket of S3-compatible storage is reached. What is None the environment tells."""

    endpoint: str | None = None
    """`https://host[:port]`; None for Amazon's own."""
    region: str | None = None
    key_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    required: bool = True
    """Whether nothing starts while the bucket cannot be used."""
