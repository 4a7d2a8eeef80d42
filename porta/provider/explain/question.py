"""Explanation: what is asked of one person's tokens, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from porta.protocol.tokens.claim_trace import Absent, Claim, Target

Outcome = Literal["allowed", "asked", "refused", "told"]
"""Goes on, goes on once the person has done it, ends here; `told` decides nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """How things are to be looked at other than they are; nothing of it is written."""

    roles: tuple[str, ...] = ()
    """Slugs of the client's application that the person has as well."""
    without_roles: tuple[str, ...] = ()
    """Slugs that they do not have."""
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Values of custom claims; None is no value."""
    user_status: str | None = None
    client_status: str | None = None
    organization_status: str | None = None
    first_party: bool | None = None


NOTHING = WhatIf()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whose tokens, for whom, and asked for with which parameters."""

    user_id: str
    client_id: str
    scope: str | None = None
    """As a request has it; None asks for all that the client is registered for."""
    resource: tuple[str, ...] = ()
    claims: str | None = None
    """The `claims` parameter (Core §5.5)."""
    what_if: WhatIf = NOTHING


@dataclass(frozen=True, slots=True)
class Decision:
    """One policy, and what it makes of this question."""

    policy: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class ScopeDecision:
    """One scope that was asked for."""

    scope: str
    is_granted: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What one target holds, and what it does not."""

    target: Target
    form: str
    """`jwt`, `opaque` (then it is what introspection tells), `json`, or `none`."""
    reason: str = ""
    """Why there is none."""
    claims: tuple[Claim, ...] = ()
    """Those of the protocol as well; what is known only when it is issued has the value None."""
    absent: tuple[Absent, ...] = ()
    size: int = 0
    """Bytes of JSON that the claims of the person take, before any goes elsewhere."""
    is_large: bool = False
    referenced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that decides on one person's tokens for one client."""

    user_id: str
    client_id: str
    organization_id: str
    decisions: tuple[Decision, ...]
    scopes: tuple[ScopeDecision, ...] = ()
    audience: tuple[str, ...] = ()
    targets: tuple[Explained, ...] = ()

    @property
    def is_issued(self) -> bool:
        """Whether there would be tokens, once the person has done what is asked."""
        return all(decision.outcome != "refused" for decision in self.decisions)

    def target(self, name: Target) -> Explained | None:
        """Return what one target holds; None where the request is refused before there is any."""
        return next((each for each in self.targets if each.target == name), None)
