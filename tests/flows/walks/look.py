"""How somebody meets the pages: with scripts or without, on what screen, in what colours and words.

A walk goes the same way in every look. One of them is chosen for every run, by the place of a walk
in the table alone: any two values of two dimensions meet in some walk.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

SIZES = {"phone": (360, 740), "desktop": (1280, 900)}
SCHEMES = ("light", "dark")
LANGUAGES = ("en", "de", "ar")
"""One of long words, and one from right to left."""
SCRIPTS, NO_SCRIPTS = "scripts", "none"


class Look(NamedTuple):
    scripts: str
    size: str
    scheme: str
    language: str

    @property
    def name(self) -> str:
        return "-".join(self)


LOOKS = tuple(
    Look(*each) for each in product((SCRIPTS, NO_SCRIPTS), SIZES, SCHEMES, LANGUAGES)
)  # fmt: skip


def looks_of(scripts: str | None) -> tuple[Look, ...]:
    """Return all looks of a walk; `scripts` says which half it can be walked in, None for both."""
    return tuple(each for each in LOOKS if scripts in (None, each.scripts))


def chosen_look(number: int, scripts: str) -> Look:
    """Return the look that every run takes the walk in that has this place in its half."""
    size, scheme = tuple(SIZES)[number % 2], SCHEMES[number // 2 % 2]
    return Look(scripts, size, scheme, LANGUAGES[number % 3])
