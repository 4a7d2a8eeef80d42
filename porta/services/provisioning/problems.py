"""Provisioning problems: what is wrong with a file, and where: line, column, path and names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from porta.errors import Invalid

Path = tuple[int | str, ...]
_PART = re.compile(r"[^.\[\]]+")
_LONGEST_NAME = 60
"""Characters of a name that are told."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text; both numbers begin with 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where in the file; an empty path means the whole of it."""

    parts: Path
    message: str
    position: Position | None = None
    names: tuple[str, ...] = ()
    """What the entry at each part of the path is called, `""` where it has no name."""
    source: str = ""
    """The file, where several are applied together."""

    @property
    def path(self) -> str:
        """The path without names: `organizations[0].users[1].email`."""
        return place(self.parts)

    def __str__(self) -> str:
        at, path = self.position, self.path
        where = f"line {at.line}, column {at.column}{self._called()}: " if at else ""
        return f"{where}{path}: {self.message}" if path else f"{where}{self.message}"

    def _called(self) -> str:
        called = ", ".join(printable(name)[:_LONGEST_NAME] for name in self.names if name)
        return f" ({called})" if called else ""


class DocumentInvalid(Invalid):
    """A provisioning file that cannot be used, with every problem found in it."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.source = source
        self.problems = problems


def place(path: Path) -> str:
    """Return a path as people write it: `organizations[0].name`. A key may hold anything."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return printable("".join(parts).removeprefix("."))


def parse_path(text: str) -> Path:
    """Return the path that `redirect_uris[0]` spells, as client metadata names its members."""
    return tuple(int(part) if part.isdecimal() else part for part in _PART.findall(text))


def printable(text: str) -> str:
    """Return `text` with a question mark for everything that a terminal might obey."""
    return "".join(c if c.isprintable() else "?" for c in text)
