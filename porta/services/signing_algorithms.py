"""Signing algorithms: those that an administrator may choose for tokens (RFC 7518 §3.1)."""

from __future__ import annotations

from porta.errors import Invalid
from porta.security.keys import ALGORITHMS


def parse_algorithm(name: str) -> str:
    """Return `name`. Raises Invalid unless Porta signs with it."""
    if name not in ALGORITHMS:
        raise Invalid(f"must be one of: {', '.join(ALGORITHMS)}")
    return name
