"""Names for people to read: one line that shows something and reads as it is written; texts."""

from __future__ import annotations

import re

# Line ends and other controls; halves of surrogate pairs, which no store keeps; and what turns the
# direction of the text that follows (Unicode UAX #9 §2), so that a name shows as another one.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def find_name_problem(name: str) -> str | None:
    """Return what makes `name` unfit to be shown, or None. Its length is not looked at."""
    if _UNFIT.search(name):
        return "must hold no line break, control character or change of direction"
    if not any(c.isprintable() and not c.isspace() for c in name):
        return "must hold more than spaces"
    return None


def find_text_problem(text: str) -> str | None:
    """Return what makes `text`, of one or several lines, unfit to be kept and shown, or None."""
    if _UNFIT.search(re.sub("\r\n|[\n\t]", " ", text)):
        return "must hold no control character or change of direction"
    return None
