"""Typed address: one that somebody says is theirs, before a link is mailed to it."""

from __future__ import annotations

from porta.errors import Invalid
from porta.text.email_addresses import canonical_email

_LONGEST = 255
"""Characters that an account has room for."""


class NoAddress(Invalid):
    """What was typed is no address, or none that is taken here; `message` is a text's key."""


def read(typed: str) -> str:
    """Return the canonical form of what was typed. Raises NoAddress."""
    if not typed.strip():
        raise NoAddress("login.error_email_missing")
    try:
        address = canonical_email(typed)
    except Invalid:
        raise NoAddress("register.error_address") from None
    if len(address) > _LONGEST:
        raise NoAddress("register.error_address")
    return address
