"""How somebody meets the pages: with scripts or without, on what screen, in what colours and words.

A walk goes the same way in every look, which are 24. Six of them find nearly all that there is to
find, since any two values of two dimensions meet in one of them (a covering array of strength two:
three languages and two sizes need six by themselves). `make walks` goes each way in those; every
run, in the one of them that the place of a walk in the table chooses.
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


def few_looks(scripts: str | None) -> tuple[Look, ...]:
    """Return looks of a walk in which any two values of two dimensions meet."""
    return tuple(_nth(number, scripts) for number in range(len(SIZES) * len(LANGUAGES)))


def chosen_look(number: int, scripts: str | None) -> Look:
    """Return the look that every run takes the walk in that has this place in the table."""
    few = few_looks(scripts)
    return few[number % len(few)]


def _nth(number: int, scripts: str | None) -> Look:
    """Return one of six. Each language is met twice, and everything else differs between the two;
    no two of scripts, size and scheme change together throughout.
    """
    half = (SCRIPTS, NO_SCRIPTS)[(number + 1) // 3 % 2]
    size, language = tuple(SIZES)[number % 2], LANGUAGES[number % 3]
    return Look(scripts or half, size, SCHEMES[number // 3], language)
