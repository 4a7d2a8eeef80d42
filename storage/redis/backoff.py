"""Pauses between attempts at a connection, ever longer and scattered."""

from __future__ import annotations

import random
from collections.abc import Iterator

_JITTER = random.SystemRandom()
LEAST_PAUSE = 0.02
"""Seconds between two attempts to connect, however many callers wait."""


def pauses() -> Iterator[float]:
    """Seconds before each attempt: none, then doubling to one, scattered among the instances."""
    yield 0.0
    pause = 0.05
    while True:
        yield pause * _JITTER.uniform(0.5, 1.0)
        pause = min(pause * 2, 1.0)
