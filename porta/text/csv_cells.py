"""CSV (RFC 4180), of which no spreadsheet takes a cell for a formula (requirement J.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_FORMULA = tuple("=+-@\t\r\n|%") + tuple("＝＋－＠")
"""What a formula, a command or a cell that becomes one begins with, full-width too."""
_GUARD = "'"
_BLANKS = "".join(
    map(chr, (*range(0x21), 0x7F, 0xA0, 0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
)
"""What a spreadsheet may drop before it looks."""


def spell_row(cells: Iterable[object]) -> str:
    """Return a row of the file. Every text is quoted: a semicolon divides nothing, wherever it is
    opened; numbers are as they are, and None is nothing.
    """
    return ",".join(map(_spell, cells)) + "\n"


def _spell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return '"' + guard(str(value)).replace('"', '""') + '"'


def guard(text: str) -> str:
    """Return `text` with an apostrophe before it where a spreadsheet would calculate it."""
    return f"{_GUARD}{text}" if is_formula(text) else text


def unguard(text: str) -> str:
    """Return what `guard` was given."""
    return text[1:] if text[:1] == _GUARD and is_formula(text[1:]) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet might take `text` for more than a text."""
    if text[:1] in ("\t", "\r", "\n"):
        return True
    # What begins with a guard of its own has to get one more, or reading would take it away.
    return text.lstrip(_BLANKS + _GUARD).startswith(_FORMULA)


def join(values: Sequence[str]) -> str:
    """Return a list as one cell."""
    return " ".join(values)
