"""Key schedule: how signing keys follow each other, computed from rows and a time.

Every instance computes the same from the same rows, so that a rotation needs no job and no word
between instances. Keys of one ring and algorithm form a schedule, in the order of `activated_at`.
Where no older key of it can sign any more, the next one that is published signs at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from math import inf
from typing import NamedTuple

from porta.config.system import Config
from storage.models.signing_keys import SigningKey

MARGIN = 300.0
"""Seconds that a key stays published beyond the last token it may have signed.

It covers clocks that differ, a verifier's leeway, and an instance that signed with the old key a
little longer because it could not read the new one.
"""


class State(StrEnum):
    """What a key is for at a given moment."""

    PUBLISHED = "published"
    """In the JWKS, so that verifiers know it before it signs."""
    ACTIVE = "active"
    RETIRED = "retired"
    """In the JWKS for the tokens it has signed."""
    GONE = "gone"
    """Out of the JWKS; what it has signed may still be a hint."""
    REVOKED = "revoked"
    REFUSED = "refused"
    """Not vouched for by our encryption key: of no use, whatever its row says."""


class ScheduledKey(NamedTuple):
    """A key in its schedule. Times are seconds since the epoch; `inf` is never."""

    row: SigningKey
    signs_from: float
    """Earlier than its row says where nothing else could sign."""
    signs_until: float
    leaves: float
    """When it leaves the JWKS."""

    def state(self, now: float) -> State:
        """Return what the key is for at `now`."""
        if self.row.status == "revoked":
            return State.REVOKED
        if now >= self.leaves:
            return State.GONE
        if now < self.signs_from:
            return State.PUBLISHED
        return State.ACTIVE if now < self.signs_until else State.RETIRED


def longest_token_ttl(config: Config, *others: int) -> int:
    """Return the longest life, in seconds, of what is signed; `others` as resources set their own.

    A lifetime that an administrator lowers does not shorten the tokens that were signed before.
    """
    return max(config.access_token_ttl, config.id_token_ttl, config.client_credentials_ttl, *others)


def build_schedule(
    rows: Iterable[SigningKey],
    organization_id: str | None,
    algorithm: str,
    longest_token_ttl: float,
) -> tuple[ScheduledKey, ...]:
    """Return the keys, oldest first, that serve `organization_id` (None: global).

    An organization's own keys take over from the global ones when its first is activated; global
    keys that come later are none of its business. Without keys of its own for this algorithm, the
    global ring's serve it. `longest_token_ttl` is in seconds.
    """
    candidates = [row for row in rows if row.algorithm == algorithm]
    ours = [row for row in candidates if row.organization_id == organization_id]
    if organization_id is not None:
        takeover = min((row.activated_at for row in ours if row.status != "revoked"), default=inf)
        ours += [
            row for row in candidates if row.organization_id is None and row.activated_at < takeover
        ]
    ours.sort(key=_age)
    vacant_from = -inf
    schedule: list[ScheduledKey] = []
    for i, row in enumerate(ours):
        schedule.append(_scheduled(row, ours[i + 1 :], vacant_from, longest_token_ttl))
        if row.status == "active":
            vacant_from = inf if row.expires_at is None else row.expires_at
    return tuple(schedule)


def _age(row: SigningKey) -> tuple[float, float, str]:
    return row.activated_at, row.created_at, row.kid


def _scheduled(
    row: SigningKey, newer: Sequence[SigningKey], vacant_from: float, longest_token_ttl: float
) -> ScheduledKey:
    """Return `row` with its times; before it, nothing can sign from `vacant_from` on."""
    next_active = next((key.activated_at for key in newer if key.status == "active"), inf)
    if row.status == "active":
        stops = next_active
        signs_until = stops
    else:
        # A row that says it is retired (Porta 1.x, or housekeeping) signs no more, whatever the
        # others do. Where nothing tells since when, it stays published until a newer one signs.
        stops = next_active if row.retired_at is None else row.retired_at
        signs_until = row.activated_at
    leaves = stops + longest_token_ttl + MARGIN
    if row.expires_at is not None:
        leaves = min(leaves, row.expires_at)
    return ScheduledKey(row, min(row.activated_at, vacant_from), signs_until, leaves)
