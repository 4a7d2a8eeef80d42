"""Claim trace: what the claims pipeline tells of each claim, of those it leaves out too."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Target = Literal["id_token", "userinfo", "access_token"]

Reason = Literal[
    "scope_not_granted",
    "scope_not_registered",
    "target_excluded",
    "value_not_set",
    "wrong_type",
    "not_defined",
    "not_consented",
    "reserved",
    "name_taken",
    "mapped",
    "by_reference",
]


class Claim(NamedTuple):
    """One claim: what it says, where the value came from, and the rule that released it."""

    name: str
    value: Any
    source: str
    rule: str
    path: tuple[str, ...] = ()
    """The members that lead to it, where it is not a member of its own name."""

    @property
    def top(self) -> str:
        """The outermost member that it stands in."""
        return self.path[0] if self.path else self.name


class Absent(NamedTuple):
    """One claim that a target does not hold: why, and what would change that."""

    name: str
    source: str
    reason: Reason
    detail: str


@dataclass(slots=True)
class Trace:
    """What is absent from one target, by name; what is noted last of a name counts."""

    absent: dict[str, Absent] = field(default_factory=dict)

    def note(self, name: str, source: str, reason: Reason, detail: str) -> None:
        self.absent[name] = Absent(name, source, reason, detail)

    def settle(self, claims: Collection[Claim], referenced: Collection[str]) -> None:
        """Forget what was found after all, and note what went elsewhere."""
        for claim in claims:
            self.absent.pop(claim.name, None)
        for name in referenced:
            self.note(name, name, "by_reference", "_claim_names says where it is")
