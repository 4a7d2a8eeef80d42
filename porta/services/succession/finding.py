"""Finding: one difference from Porta 1.x, where it is met, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from storage.repositories.differences import Met


class Severity(StrEnum):
    """What a difference does to those who meet it."""

    STOPS = "stops"
    """Somebody or something works no more, until it is remedied."""
    DIFFERS = "differs"
    """It works, and answers otherwise."""
    INFORMS = "informs"
    """Nothing is to be done."""


class Finding(msgspec.Struct, frozen=True):
    """`key` names it for programs, and stands in docs/succession.md."""

    key: str
    severity: Severity
    title: str
    remedy: str
    met: tuple[Met, ...]


class Rule(msgspec.Struct, frozen=True):
    """A finding without where it is met."""

    key: str
    severity: Severity
    title: str
    remedy: str

    def found(self, met: Iterable[Met]) -> list[Finding]:
        """Return the finding, or nothing where it is met nowhere."""
        places = tuple(met)
        if not places:
            return []
        return [Finding(self.key, self.severity, self.title, self.remedy, places)]
