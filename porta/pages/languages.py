"""Language negotiation: ui_locales (Core §3.1.2.1), Accept-Language (RFC 9110 §12.5.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache

_LONGEST_LIST = 512
_MOST_TAGS = 20
_LONGEST_TAG = 35  # RFC 5646 §4.4.1


def choose(available: Collection[str], ui_locales: str | None, accept_language: str | None) -> str:
    """Return the best of `available` for what was asked, or "" when none of it fits.

    Only members of `available` are ever returned, whatever the input; both lists are read to a
    bounded length. Tags are compared by RFC 4647 §3.4 (lookup): de-CH falls back to de. A language
    of which there is that of one country alone is found by itself: pt, and so pt-PT, is pt-BR.
    """
    known = _known(tuple(available))
    for wanted in (*ui_tags(ui_locales), *accepted_tags(accept_language)):
        for tag in _ever_shorter(_canonical(wanted)):
            if tag in known:
                return known[tag]
    return ""


@lru_cache(maxsize=16)
def _known(available: tuple[str, ...]) -> dict[str, str]:
    known = {_canonical(tag): tag for tag in available}
    for tag in available:
        for shorter in _ever_shorter(_canonical(tag)):
            known.setdefault(shorter, tag)
    return known


def ui_tags(ui_locales: str | None) -> list[str]:
    """Return the tags of a `ui_locales` parameter, most wanted first."""
    return (ui_locales or "")[:_LONGEST_LIST].split()[:_MOST_TAGS]


def accepted_tags(accept_language: str | None) -> list[str]:
    """Return the tags of an Accept-Language header by falling weight; weight 0 means never."""
    weighted = [_weighted(item) for item in (accept_language or "")[:_LONGEST_LIST].split(",")]
    weighted = [(weight, tag) for weight, tag in weighted[:_MOST_TAGS] if tag and weight > 0]
    return [tag for _, tag in sorted(weighted, key=lambda entry: -entry[0])]


def _weighted(item: str) -> tuple[float, str]:
    tag, _, parameter = item.partition(";")
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0, tag.strip()
    digits = value.strip()
    return (float(digits) if digits.replace(".", "", 1).isdecimal() else 0.0), tag.strip()


def _canonical(tag: str) -> str:
    return tag[:_LONGEST_TAG].replace("_", "-").lower()


def _ever_shorter(tag: str) -> Iterator[str]:
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]
