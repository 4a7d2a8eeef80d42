"""Clock skew: how far the clock of this process is from PostgreSQL's, which judges lifetimes."""

from __future__ import annotations

import logging

from porta.runtime import Runtime

_LOG = logging.getLogger(__name__)

TOLD_FROM = 5.0
"""Seconds of skew from which on it is logged."""
TOLERANCE = 60.0
"""Seconds of skew above which this process does not call itself ready."""


async def measure(runtime: Runtime) -> float:
    """Compare the two clocks, keep the skew in `runtime` and log it where it is large; return it.

    In seconds, above zero where ours is ahead. What the answer took to arrive is no skew: it is
    the least that explains what was seen. Raises StorageError.
    """
    before = runtime.clock()
    theirs = await runtime.storage.now()
    after = runtime.clock()
    skew = before - theirs if before > theirs else min(after - theirs, 0.0)
    runtime.clock_skew = skew
    if abs(skew) > TOLD_FROM:
        log = _LOG.error if abs(skew) > TOLERANCE else _LOG.warning
        log("clock.skewed", extra={"seconds": round(skew, 1), "tolerance": TOLERANCE})
    return skew


def is_tolerable(runtime: Runtime) -> bool:
    """Whether the clocks were close enough to each other when they were last compared."""
    return abs(runtime.clock_skew) <= TOLERANCE
