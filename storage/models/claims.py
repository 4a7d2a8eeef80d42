"""Custom claims: definitions, the values that people have, and what a client calls them."""

from __future__ import annotations

from typing import Any

import msgspec


class ClaimDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `custom_claim_definitions`. Times are seconds since the epoch.

    Read with a client, it has what tokens need: what comes after `title` is left at its default.
    """

    id: str
    claim_name: str
    claim_type: str = "string"
    include_in_id_token: bool = False
    include_in_access_token: bool = True
    include_in_userinfo: bool = True
    title: str | None = None
    """What people are told that it is."""
    description: str | None = None
    application_id: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    version: int = 0


class ClaimValue(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `custom_claim_values`."""

    id: str
    user_id: str
    claim_id: str
    value: Any
    created_at: float = 0.0
    updated_at: float = 0.0
    version: int = 0


CLAIM_TARGETS = ("id_token", "access_token", "userinfo")


class ClaimMapping(msgspec.Struct, frozen=True):
    """An entry of `clients.claim_mappings`: what else a client calls a claim, and where it goes."""

    source: str
    """`roles`, `permissions`, or the name of a custom claim."""
    path: tuple[str, ...]
    """The members that lead to it, the outermost first."""
    targets: tuple[str, ...] = CLAIM_TARGETS
