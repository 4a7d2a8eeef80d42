"""Provisioning problems: what is wrong with a file, and where: line, column, path and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic.alias_generators import to_snake

from porta.errors import Invalid, Path, PortaError, Problem, spell_path

__all__ = ["DocumentInvalid", "FileProblem", "Path", "Position", "printable"]
__all__ += ["problems_of"]

_LONGEST_NAME = 60
"""Characters of a name that are told."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text; both numbers begin with 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class FileProblem(Problem):
    """What is wrong, and where in the file; an empty path means the whole of it."""

    position: Position | None = None
    names: tuple[str, ...] = ()
    """What the entry at each part of the path is called, `""` where it has no name."""
    source: str = ""
    """The file, where several are applied together."""

    @property
    def place(self) -> str:
        """The path without names: `organizations[0].users[1].email`. A key may hold anything."""
        return printable(spell_path(self.path))

    def __str__(self) -> str:
        at, path = self.position, self.place
        where = f"line {at.line}, column {at.column}{self._called()}: " if at else ""
        return f"{where}{path}: {self.message}" if path else f"{where}{self.message}"

    def _called(self) -> str:
        called = ", ".join(printable(name)[:_LONGEST_NAME] for name in self.names if name)
        return f" ({called})" if called else ""


class DocumentInvalid(Invalid):
    """A provisioning file that cannot be used, with every problem found in it."""

    problems: tuple[FileProblem, ...]

    def __init__(self, source: str, problems: Sequence[FileProblem]) -> None:
        message = "\n".join(f"{source}: {problem}" for problem in problems)
        super().__init__(message, problems=problems)
        self.source = source


def problems_of(refusal: PortaError, path: Path) -> Iterator[FileProblem]:
    """Yield what a command was refused for, by the keys of the file, whose entry is at `path`."""
    if not refusal.problems:
        yield FileProblem(path, refusal.message.removeprefix(f"{path[-1]}: " if path else ""))
    for problem in refusal.problems:
        spelled = (to_snake(part) if isinstance(part, str) else part for part in problem.path)
        yield FileProblem((*path, *spelled), problem.message)


def printable(text: str) -> str:
    """Return `text` with a question mark for everything that a terminal might obey."""
    return "".join(c if c.isprintable() else "?" for c in text)
