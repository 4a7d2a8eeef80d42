"""Conditional requests: `If-Match` and `If-None-Match` (RFC 9110 §13.1)."""

from __future__ import annotations

import re

from porta.errors import Invalid, PreconditionFailed

_TAG = re.compile(r'\s*(?:W/)?"([^"]*)"\s*(?:,|$)')
_LONGEST = 1024
_VERSION = re.compile(r"[0-9]{1,18}")


def parse_version(headers: list[str]) -> int | None:
    """Return the version that `If-Match` asks for; None where any will do.

    Weak and strong tags are the same here, as in Porta 1.x. Of several the newest counts. Raises
    Invalid for what is malformed, PreconditionFailed for tags that no version of ours has.
    """
    if not headers or [each.strip() for each in headers] == ["*"]:
        return None
    versions = [tag for tag in _tags("If-Match", headers) if _VERSION.fullmatch(tag)]
    if not versions:
        raise PreconditionFailed("If-Match names no version of this")
    return max(map(int, versions))


def is_known(tag: str | None, headers: list[str]) -> bool:
    """Whether `If-None-Match` says that the version of this `tag` is there already."""
    if tag is None or not headers:
        return False
    if [each.strip() for each in headers] == ["*"]:
        return True
    return tag.strip('"') in _tags("If-None-Match", headers)


def _tags(name: str, headers: list[str]) -> list[str]:
    text, tags, place = ",".join(headers), [], 0
    while len(text) <= _LONGEST and (found := _TAG.match(text, place)):
        tags.append(found[1])
        place = found.end()
    if place < len(text) or not tags:
        raise Invalid(f"{name} is malformed")
    return tags
