"""Signing keys listed: every ring as it stands at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import TYPE_CHECKING, NamedTuple

from porta.config.system import Config, build_config
from porta.security.encryption import EncryptionKeys
from porta.security.key_schedule import ScheduledKey, State, build_schedule, longest_token_ttl
from porta.security.keys import ALGORITHMS
from porta.services.usable_keys import usable
from storage.models.signing_keys import SigningKey

if TYPE_CHECKING:
    from storage.router import Storage


class ListedKey(NamedTuple):
    """A key as it stands now. Times are seconds since the epoch."""

    kid: str
    algorithm: str
    organization_id: str | None
    state: State
    signs_from: float
    leaves: float | None
    """When it leaves the JWKS; None while nothing has taken its place."""
    id: str
    created_at: float
    retired_at: float | None


async def listing(
    storage: Storage, encryption_keys: EncryptionKeys, *, now: float
) -> tuple[ListedKey, ...]:
    """Return every key of every ring: the global one first, the newest first in each.

    Those that servers with these `encryption_keys` refuse are listed as such, and displace nobody.
    """
    rows = await storage.signing_keys.list()
    config = build_config(await storage.system_config.all())
    kids = {row.kid for row in usable(rows, encryption_keys)}
    believed = [row for row in rows if row.kid in kids or row.status == "revoked"]
    schedule = {scheduled.row.kid: scheduled for scheduled in schedules(believed, config)}
    return tuple(
        _listed(schedule[row.kid], now) if row.kid in schedule else _refused(row)
        for row, *_ in schedules(rows, config)
    )


def schedules(rows: Sequence[SigningKey], config: Config) -> tuple[ScheduledKey, ...]:
    """Return every key with its times in the ring it belongs to."""
    ttl = longest_token_ttl(config)
    rings = sorted({row.organization_id or "" for row in rows})
    return tuple(
        scheduled
        for ring in rings
        for algorithm in ALGORITHMS
        for scheduled in reversed(build_schedule(rows, ring or None, algorithm, ttl))
        if scheduled.row.organization_id == (ring or None)
    )


def _listed(scheduled: ScheduledKey, now: float) -> ListedKey:
    row, state = scheduled.row, scheduled.state(now)
    unknown = state is State.REVOKED or isinf(scheduled.leaves)
    leaves = None if unknown else scheduled.leaves
    signs_from = min(row.activated_at, now) if state is State.ACTIVE else row.activated_at
    return ListedKey(
        *(row.kid, row.algorithm, row.organization_id, state, signs_from, leaves),
        *(row.id, row.created_at, row.retired_at),
    )


def _refused(row: SigningKey) -> ListedKey:
    return ListedKey(
        *(row.kid, row.algorithm, row.organization_id, State.REFUSED, row.activated_at, None),
        *(row.id, row.created_at, row.retired_at),
    )
