"""Cookies: their names, how they are read, written and taken away (RFC 6265)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Protocol

_VALUE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_LONGEST = 512
_SLUG = re.compile(r"[a-z0-9-]{1,100}", re.ASCII)
MOST_ORGANIZATIONS = 11
"""Organizations that a browser keeps cookies of, four each, beside one of its language and one of
its trust, and of the accounts that it remembers: RFC 6265 §6.1 promises room for 50.
"""
_FORGOTTEN_AT_ONCE = 4
_PLACE = re.compile(r"[A-Za-z0-9/_.-]{1,64}", re.ASCII)
"""A path that may stand in a `Set-Cookie` line."""
_DEPTH = 3

Jar = Mapping[str, set[str]]
"""Cookies as a browser presents them: by name, with every value."""


class Naming(Protocol):
    """How a cookie of an organization is called."""

    def __call__(self, slug: str, *, secure: bool) -> str: ...


def session_name(slug: str, *, secure: bool) -> str:
    """Return the name of the session's cookie at an organization."""
    # RFC 6265bis §4.1.3.1: browsers take such a name from https only, and only with `Secure`.
    return f"__Secure-session_{slug}" if secure else f"session_{slug}"


def browser_name(slug: str, *, secure: bool) -> str:
    """Return the name of the cookie that binds sessions and interactions to their browser.

    RFC 6265bis §4.1.3.2: nobody but this very host can set `__Host-`, no sibling subdomain either.
    """
    return f"__Host-browser_{slug}" if secure else f"browser_{slug}"


def posted_name(slug: str, *, secure: bool) -> str:
    """Return the name of the cookie that leads from a posted request to the GET after it."""
    return f"__Secure-posted_{slug}" if secure else f"posted_{slug}"


def known_name(slug: str, *, secure: bool) -> str:
    """Return the name of the cookie of a browser that signed in at an organization before."""
    return f"__Host-known_{slug}" if secure else f"known_{slug}"


def devices_name(*, secure: bool) -> str:
    """Return the name of the cookie of a browser that people trust, at whichever organizations."""
    return "__Host-devices" if secure else "devices"


def language_name(*, secure: bool) -> str:
    """Return the name of the cookie of the language that a person chose, wherever it was."""
    return "__Host-language" if secure else "language"


def accounts_name(*, secure: bool) -> str:
    """Return the name of the cookie of accounts that a browser remembers, wherever they are."""
    return "__Host-accounts" if secure else "accounts"


def parse(header: str) -> Jar:
    """Return the cookies of a `Cookie` header, each with the different values that it comes with.

    Oldest first (RFC 6265 §5.4).
    """
    jar: dict[str, set[str]] = {}
    for pair in header.split(";"):
        name, _, value = pair.strip(" \t").partition("=")
        jar.setdefault(name, set()).add(value)
    return jar


def find(jar: Jar, name: str, *, longest: int = _LONGEST) -> str | None:
    """Return the value of the cookie `name`, when it could be one of ours: of `longest` characters.

    None where the name comes with two values: one of them was planted, and nothing tells which.
    """
    values = jar.get(name, ())
    if len(values) != 1:
        return None
    (value,) = values
    return value if len(value) <= longest and _VALUE.fullmatch(value) else None


def is_ambiguous(jar: Jar, name: str) -> bool:
    """Whether the cookie `name` comes with different values."""
    return len(jar.get(name, ())) > 1


def organizations(jar: Jar, *, secure: bool, named: Naming = browser_name) -> list[str]:
    """Return the slugs that a browser has a cookie for, oldest first.

    `named` tells which cookie: that of its secret, unless it is another.
    """
    prefix = named("", secure=secure)
    slugs = [name.removeprefix(prefix) for name in jar if name.startswith(prefix)]
    return [slug for slug in slugs if _SLUG.fullmatch(slug)]


def to_forget(jar: Jar, slug: str, *, secure: bool, named: Naming = browser_name) -> list[str]:
    """Return the organizations whose cookies give way to those of `slug`: the oldest ones."""
    others = [each for each in organizations(jar, secure=secure, named=named) if each != slug]
    surplus = len(others) - (MOST_ORGANIZATIONS - 1)
    return others[: max(0, min(surplus, _FORGOTTEN_AT_ONCE))]


def build(name: str, value: str, *, path: str, max_age: int, secure: bool, domain: str = "") -> str:
    """Return a `Set-Cookie` value. `max_age` is in seconds; 0 takes the cookie away."""
    attributes = f"Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Lax"
    if domain:
        attributes += f"; Domain={domain}"
    return f"{name}={value}; {attributes}; Secure" if secure else f"{name}={value}; {attributes}"


def is_taken_away(line: str) -> bool:
    """Whether a `Set-Cookie` line of ours takes a cookie away."""
    return "; Max-Age=0;" in line


def take_away(name: str, path: str, host: str, *, secure: bool) -> Iterator[str]:
    """Yield what takes away every cookie `name` that a request for `path` at `host` could bring.

    It may be the host's own, or one that a sibling set for a domain above it.
    """
    domains = [""] if name.startswith("__Host-") else ["", *_domains(host)]
    for domain in domains:
        for place in _paths(path):
            yield build(name, "", path=place, max_age=0, secure=secure, domain=domain)


def _domains(host: str) -> list[str]:
    labels = host.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or ":" in host:
        return []
    return [".".join(labels[i:]) for i in range(len(labels) - 1)][:_DEPTH]


def _paths(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part][:_DEPTH]
    places = ["/", *("/" + "/".join(parts[: i + 1]) for i in range(len(parts)))]
    return [place for place in places if _PLACE.fullmatch(place)]
