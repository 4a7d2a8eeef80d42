"""Findings of a verification: what is wrong with the audit trail, and what was looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from storage.models.audit import Recorded, Seal


class Fault(StrEnum):
    """What can be wrong."""

    ALTERED = "altered"
    MOVED = "moved"
    """Another genuine entry stands in its place, or its seal in that of another."""
    MISSING = "missing"
    SWAPPED = "swapped"
    DUPLICATED = "duplicated"
    APPENDED = "appended"
    UNSEALED = "not sealed"
    UNPROVEN = "not proven"


@dataclass(slots=True)
class Problem:
    """One thing that is wrong: where, and in words."""

    fault: Fault
    told: str
    chain: str | None = None
    position: int | None = None
    entry: str | None = None
    event_type: str | None = None
    at: str | None = None

    @classmethod
    def about(
        cls, fault: Fault, told: str, of: str, seal: Seal | None, entry: Recorded | None = None
    ) -> Problem:
        """Return a problem of an entry, by its seal or by itself."""
        position = seal.position if seal is not None else None
        if entry is None:
            return cls(fault, told, of, position, seal.entry if seal is not None else None)
        return cls(fault, told, of, position, entry.id, entry.event_type, entry.created_at)


@dataclass(slots=True)
class Report:
    """What was found."""

    problems: list[Problem] = field(default_factory=list)
    """The first of them, in the order of the trail."""
    count: int = 0
    """All of them."""
    entries: int = 0
    checkpoints: int = 0
    chains: int = 0
    erased: int = 0
    without_code: int = 0
    """Sealed entries of Porta 1.x, or of before there were codes."""
    unsealed: int = 0
    """Too young to be sealed."""
    waiting: int = 0
    """From before the chain, still to be sealed."""
    unjudged: int = 0
    """Checkpoints signed with a key that is not at hand; a later one vouches for each."""
    most: int = 20
    """Problems that are kept."""

    def tell(self, problem: Problem) -> None:
        """Add a problem."""
        self.count += 1
        if len(self.problems) < self.most:
            self.problems.append(problem)
