"""Cookies: their names, how they are read, and how they are written (RFC 6265)."""

from __future__ import annotations

import re

_VALUE = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


def session_name(slug: str, *, secure: bool) -> str:
    """Return the name of the session's cookie at an organization."""
    return f"{_prefix(secure)}session_{slug}"


def interaction_name(*, secure: bool) -> str:
    """Return the name of the cookie that binds an interaction to its browser."""
    return f"{_prefix(secure)}interaction"


def find(header: str, name: str) -> str | None:
    """Return the value of the cookie `name` in a `Cookie` header, when it could be one of ours.

    Of two with one name the first counts: browsers send the one with the longest path first.
    """
    for pair in header.split(";"):
        key, _, value = pair.strip(" \t").partition("=")
        if key == name:
            return value if _VALUE.fullmatch(value) else None
    return None


def build(name: str, value: str, *, path: str, max_age: int, secure: bool) -> str:
    """Return a `Set-Cookie` value. `max_age` is in seconds; 0 takes the cookie away."""
    attributes = f"Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Lax"
    return f"{name}={value}; {attributes}; Secure" if secure else f"{name}={value}; {attributes}"


def _prefix(secure: bool) -> str:
    # RFC 6265bis §4.1.3.1: browsers take such a name from https only, and only with `Secure`.
    return "__Secure-" if secure else ""
