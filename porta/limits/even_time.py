"""Even time: answers that are given at whole steps, so that their time tells nothing (F.4)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

STEP = 0.25
"""Seconds."""


async def wait_for_step(began: float) -> None:
    """Return at a whole number of steps after `began` (of `time.monotonic`)."""
    await asyncio.sleep((began - time.monotonic()) % STEP)


@asynccontextmanager
async def in_steps() -> AsyncIterator[None]:
    """End at a whole number of steps after the beginning, whatever was done meanwhile."""
    began = time.monotonic()
    try:
        yield
    finally:
        await wait_for_step(began)
