"""Custom claims: what an application defines."""

from __future__ import annotations

import msgspec


class ClaimDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `custom_claim_definitions`."""

    id: str
    claim_name: str
    claim_type: str = "string"
    include_in_id_token: bool = False
    include_in_access_token: bool = True
    include_in_userinfo: bool = True
    title: str | None = None
    """What people are told that it is."""
