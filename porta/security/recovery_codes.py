"""Recovery codes: look-up secrets that a person writes down (NIST SP 800-63B §3.1.2)."""

from __future__ import annotations

import secrets

COUNT = 10
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without what is mistaken for something else: I, L, O, 0 and 1."""
_HALF = 4


def new_codes() -> tuple[str, ...]:
    """Return codes as Porta 1.x made them: `XXXX-XXXX`, of 39 random bits each."""
    return tuple(f"{_letters()}-{_letters()}" for _ in range(COUNT))


def to_hashed(code: str) -> str:
    """Return what is hashed of a code: its letters alone."""
    return code.replace("-", "")


def _letters() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_HALF))
