"""Passwords as text: one normal form, and the bytes that are hashed (RFC 8265 §4.2)."""

from __future__ import annotations

import unicodedata

MAX_BYTES = 1024
"""UTF-8 bytes as typed; a longer password is refused before any work."""


def normal_form(text: str) -> str:
    """Return the OpaqueString of a password, on whichever machine it was typed.

    Every space is the space of ASCII, and characters are composed (NFC). Case and width stay, and
    no character is refused: the rest of the profile is about names for them.
    """
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
    return unicodedata.normalize("NFC", spaced)


def is_normal(text: str) -> bool:
    """Whether a password was typed in its normal form."""
    return normal_form(text) == text


def encode(text: str) -> bytes | None:
    """Return UTF-8, or None for what is too long or holds a lone surrogate."""
    if len(text) > MAX_BYTES:
        return None
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return None
    return raw if len(raw) <= MAX_BYTES else None


def spellings(text: str) -> tuple[bytes, ...]:
    """Return the bytes that a hash of the password `text` may be of, the normal form first.

    As it was typed is the other one, where it differs: so it was hashed by Porta 1.x. Empty for
    what `encode` refuses. How many there are depends on what was typed, and on no account.
    """
    raw = encode(text)
    if raw is None:
        return ()
    normal = raw if text.isascii() else normal_form(text).encode()
    return (normal,) if normal == raw else (normal, raw)
