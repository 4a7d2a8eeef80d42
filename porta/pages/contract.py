"""Template contract: what an operator's template has to say, and for which version it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from porta.pages.values import PAGES

Changes = Mapping[str, tuple[str, ...]]
CHANGES: Changes = {}
"""What each version of a template after the first asks of one that takes its place, by its name
(`pages/login.html`): a sentence each, for whoever has to change theirs.
"""
_VERSION = re.compile(r"\{#\s*porta-template\s+([0-9]{1,6})\s*#\}")
_BINDING = frozenset({"csrf", "xsrf", "uid"})
"""Values that stand in a page itself, whatever it leaves to templates that it includes."""
_BLOCKS = {
    "layouts/main.html": ("title", "name", "head", "body", "languages"),
    "emails/layout.html": ("body",),
    "emails/layout.txt": ("body",),
}
"""Blocks that the templates beside a layout fill."""


def version(name: str, changes: Changes = CHANGES) -> int:
    """Return the version of the contract of the template `name`: the first is 1."""
    return 1 + len(changes.get(name, ()))


def find_faults(name: str, source: str, changes: Changes = CHANGES) -> Iterator[str]:
    """Yield what keeps `source` from standing in the place of the template `name`."""
    stated, current = _VERSION.match(source), version(name, changes)
    if stated is None:
        yield f"does not begin with {{# porta-template {current} #}}, its contract's version"
        return
    written_for = int(stated[1])
    if written_for < 1 or written_for > current:
        yield f"is for version {written_for}, and there is none after {current}"
        return
    later = changes.get(name, ())[written_for - 1 :]
    if later:
        since = " ".join(later)
        yield f"is for version {written_for}; this is {current}. Since then: {since}"
        return
    yield from _missing(name, source)


def _missing(name: str, source: str) -> Iterator[str]:
    """A page without these values would look right, and do nothing: its form would be refused."""
    page = PAGES.get(name.removeprefix("pages/").removesuffix(".html"))
    needed = page.required if page and name.startswith("pages/") else frozenset()
    if "{% include" in source:
        needed &= _BINDING
    for value in sorted(needed):
        if not re.search(rf"\b{value}\b", source):
            yield f"never uses {value}, without which the page does not work"
    for block in _BLOCKS.get(name, ()):
        if not re.search(rf"\{{%\s*block\s+{block}\s*%\}}", source):
            yield f"has no block {block}, which pages fill"
