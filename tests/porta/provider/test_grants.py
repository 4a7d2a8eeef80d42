"""The table of grant types, and what is told of it."""

from __future__ import annotations

from porta.protocol.clients.client_metadata import GRANT_TYPES
from porta.provider.grants import GRANTS


def test_what_can_be_registered_and_is_announced_can_be_redeemed() -> None:
    assert tuple(GRANTS) == GRANT_TYPES
