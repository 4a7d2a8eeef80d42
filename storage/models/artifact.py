"""An artifact: a value that somebody holds, of which storage keeps the digest."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from enum import Enum

import msgspec


def artifact_id(value: str) -> str:
    """Return the SHA-256 of `value` as 43 characters of unpadded base64url."""
    return urlsafe_b64encode(hashlib.sha256(value.encode()).digest()).decode()[:43]


class Home(Enum):
    """The store that holds a routed artifact: the first character of its value."""

    REDIS = "r"
    POSTGRES = "p"


def new_value(home: Home) -> str:
    """Return 43 characters of base64url, of which the first names `home`: 250 random bits."""
    return home.value + secrets.token_urlsafe(32)[1:]


def home_of(value: str) -> Home:
    """Return the store that a value names; Redis for those of versions that named none."""
    return Home.POSTGRES if value.startswith(Home.POSTGRES.value) else Home.REDIS


class Artifact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record with a lifetime. Times are whole seconds since the epoch."""

    id: str
    organization_id: str
    era: int = 0
    """The era of its organization and client in which it was made (`tenants.resolve.era_of`);
    what grants something does so in no later one.
    """


class Routed(Artifact, frozen=True, kw_only=True):
    """An artifact that storage makes where there is room for it, and finds where its value says.

    The digest includes the letter, so a value cannot be moved to another store by changing it.
    """

    home: Home | None = None
    """Set by storage, which alone makes such records."""
