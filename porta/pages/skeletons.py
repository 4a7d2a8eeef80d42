"""Page skeleton: a page rendered once for many requests, with blanks that each of them fills in."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

_MARK = secrets.token_hex(16)
"""What stands around a blank. Nobody outside knows it, so that no text of a page reads like one."""
_BLANK = re.compile(f"{_MARK}-([a-z_]+)-{_MARK}")


def blank(name: str) -> str:
    """Return what a template is given in place of the value `name`; it needs no escaping."""
    return f"{_MARK}-{name}-{_MARK}"


class Skeleton:
    """A rendered page, taken apart at its blanks."""

    __slots__ = ("_names", "_parts")

    def __init__(self, html: str) -> None:
        self._parts = _BLANK.split(html)
        self._names = self._parts[1::2]

    def fill(self, escaped: Mapping[str, str]) -> str:
        """Return the page with these values, safe in HTML, in its blanks. Raises KeyError."""
        parts = self._parts.copy()
        parts[1::2] = [escaped[name] for name in self._names]
        return "".join(parts)
