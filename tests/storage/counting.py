"""Attempts under one limit, for tests that only want something to be counted."""

from __future__ import annotations

from storage.stores.counters import Counters, Limit


async def within(counters: Counters, key: str, most: int = 1000) -> bool:
    """Count one attempt; tell whether it was within so many in a minute."""
    return await counters.spend(key, [Limit(key, most, 60)]) is None
