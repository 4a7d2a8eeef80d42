"""Spelling suggestions: what somebody who mistyped a word most likely meant ("did you mean")."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 64
"""Characters of a word that is compared: beyond it nobody mistyped one of ours."""
_MOST = 500
"""Words that it is compared with."""


def find_suggestion(given: object, known: Iterable[str]) -> str | None:
    """Return the one of `known` that resembles `given` most; None where none does."""
    if not isinstance(given, str) or not 0 < len(given) <= _LONGEST:
        return None
    spelled = {word.casefold(): word for word, _ in zip(known, range(_MOST), strict=False)}
    wanted = given.casefold().replace("-", "_") if "_" in "".join(spelled) else given.casefold()
    close = get_close_matches(wanted, spelled, n=1, cutoff=0.6)
    if not close:
        close = sorted((word for word in spelled if _is_part(wanted, word)), key=len)
    return spelled[close[0]] if close else None


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """Return `; did you mean x?`, or nothing where no word of `known` is near."""
    meant = find_suggestion(given, known)
    return f"; did you mean {meant}?" if meant is not None else ""


def _is_part(given: str, word: str) -> bool:
    """Whether `given` is a whole part of `word`: color of primary_color."""
    return given in word.replace(":", "_").replace("-", "_").split("_")
