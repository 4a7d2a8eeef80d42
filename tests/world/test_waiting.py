"""The clock by which tests judge how long something waited."""

from __future__ import annotations

import asyncio
import time

from tests.world.waiting import eventually, stopwatch


async def test_time_passes_while_the_loop_waits_and_not_while_it_is_held_up() -> None:
    async with stopwatch() as seconds:
        await asyncio.sleep(0)
        time.sleep(0.2)
        assert seconds() == 0
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert seconds() < 0.1

        async def passed() -> bool:
            return seconds() >= 0.1

        began = time.monotonic()
        await eventually(passed)
        assert time.monotonic() - began >= 0.08
