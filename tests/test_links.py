"""Links of the documents: each leads to a file, and to a heading of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def links(document: Path) -> Iterator[str]:
    """Yield what `document` links to in this repository."""
    for target in _LINK.findall(_FENCED.sub("", document.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(text: str) -> set[str]:
    """Return the fragments that the headings of a document have where it is shown."""
    headings = _HEADING.findall(_FENCED.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(document: Path) -> list[str]:
    """Return the links of `document` that lead nowhere."""
    found = []
    for link in links(document):
        path, _, fragment = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        inside = target == ROOT or ROOT in target.parents
        if not (inside and target.exists()) or (
            fragment and fragment not in anchors(target.read_text(encoding="utf-8"))
        ):
            found.append(link)
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_applications_guides_links_lead_somewhere(path: Path) -> None:
    assert broken(path) == []


def test_a_heading_has_the_fragment_that_it_is_shown_with() -> None:
    text = "# A page, that `is`\n```\n# no heading\n```\n## It's 2 words: so\n"
    assert anchors(text) == {"a-page-that-is", "its-2-words-so"}
