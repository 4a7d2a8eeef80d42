"""Limits of the Admin API: how many requests one administrator may send."""

from __future__ import annotations

from porta.administration.access import Caller
from porta.errors import TooManyRequests
from porta.runtime import Runtime
from storage.stores.counters import Limit


async def count(runtime: Runtime, caller: Caller, *, changes: bool) -> None:
    """Count a request of `caller`, and a change twice: as such too. Raises TooManyRequests."""
    config = (await runtime.snapshot()).config
    window = config.rate_limit_admin_window
    limits = [Limit(f"admin:{caller.key}", config.rate_limit_admin_max, window)]
    if changes:
        most = config.rate_limit_admin_write_max
        limits.append(Limit(f"admin_write:{caller.key}", most, window))
    excess = await runtime.storage.counters.spend(f"admin {caller.key}", limits)
    if excess is not None:
        raise TooManyRequests("Too many requests", retry_after=excess.retry_after)
