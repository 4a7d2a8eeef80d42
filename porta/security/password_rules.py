"""Rules of new passwords: long enough, and none that is guessed first (NIST 800-63B-4)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from porta.errors import Invalid
from porta.security.password_text import MAX_BYTES, encode, normal_form

PRODUCT = "porta"


class WeakPassword(Invalid):
    """A password that may not be chosen.

    `reason` is too_short, too_long, malformed, common or names.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, reason=reason)


def check_password(text: str, words: Iterable[str] = (), *, minimum: int = 15) -> None:
    """Refuse what may not be a new password, by raising WeakPassword (NIST 800-63B-4 §3.1.1.2).

    `minimum` is in characters: 15 for a password alone, 8 beside a second factor. `words` are the
    names that an attacker would try first: of the organization, the person, the e-mail address.
    There is no rule of composition and no character is refused.
    """
    for problem in find_problems(text, words, minimum=minimum):
        raise problem


def find_problems(
    text: str, words: Iterable[str] = (), *, minimum: int = 15
) -> tuple[WeakPassword, ...]:
    """Return everything that `check_password` has against a password, the first things first."""
    if encode(text) is None:
        return (WeakPassword("too_long", f"Use at most {MAX_BYTES} bytes of text."),)
    return tuple(_problems(normal_form(text), words, minimum))


def _problems(text: str, words: Iterable[str], minimum: int) -> Iterator[WeakPassword]:
    if len(text) < minimum:
        yield WeakPassword("too_short", f"Use at least {minimum} characters.")
    if _is_common(text):
        yield WeakPassword("common", "This password is among the first that are tried.")
    if _is_made_of(text, {PRODUCT, *words}, minimum // 2):
        yield WeakPassword("names", "Do not build the password from names.")


def _is_common(text: str) -> bool:
    """Whether it, or what it repeats, is one of the 30,000 passwords that leaked most often."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Folding makes up to eighteen characters of one: only what can be on the list is looked for.
    periods = range(1, min(len(folded) // 2, _longest_common()) + 1)
    period = next((n for n in periods if folded.startswith(folded[n:])), 0)
    return not {folded, folded[:period]}.isdisjoint(_common_passwords())


@cache
def _longest_common() -> int:
    return max(map(len, _common_passwords()))


@cache
def _common_passwords() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # three megabytes that a server can spare

    return frozenset(FREQUENCY_LISTS["passwords"])


def _is_made_of(text: str, words: Iterable[str], least: int) -> bool:
    """Whether fewer than `least` letters and digits remain once the words are taken out."""
    whole = rest = _letters(text)
    parts = {part for word in words for part in (word, *re.split(r"\W+", word))}
    for word in sorted(map(_letters, parts), key=len, reverse=True):
        if len(word) >= 3:  # A shorter one is a syllable, not a name.
            rest = rest.replace(word, "")
    return rest != whole and len(rest) < least


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())
