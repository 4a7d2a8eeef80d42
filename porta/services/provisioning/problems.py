"""Provisioning problems: what is wrong with a file, and where."""

from __future__ import annotations

from dataclasses import dataclass

from porta.errors import Invalid

Path = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: `organizations[0].users[1].email`; empty for the whole file."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DocumentInvalid(Invalid):
    """A provisioning file that cannot be used, with every mistake found in it."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.source = source
        self.problems = problems


def place(path: Path) -> str:
    """Return a path as people write it: `organizations[0].name`. A key may hold anything."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    text = "".join(parts).removeprefix(".")
    return "".join(c if c.isprintable() else "?" for c in text)
