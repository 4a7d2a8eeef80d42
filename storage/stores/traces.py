"""Traces in Redis: steps while an interaction lives; what a support code stands for, for a day.

What anybody can have kept is bounded: so many steps of an interaction, which is counted itself
where it begins, and so many traces of an organization, the oldest of which make room.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from storage.models.traces import Trace, TraceStep
from storage.redis.breaker import RedisBreaker
from storage.redis.connection import Command

MOST_STEPS = 20
MOST_TRACES = 1000
"""Of an organization."""
KEPT = 86_400
"""Seconds that a trace is kept."""
_STEP, _TRACE = msgspec.json.Decoder(TraceStep), msgspec.json.Decoder(Trace)
_ENCODE = msgspec.json.Encoder().encode


class Traces:
    """Without Redis nothing is kept, and nothing found: PostgreSQL has no part in it."""

    def __init__(self, redis: RedisBreaker | None) -> None:
        self._redis = redis

    @property
    def is_kept(self) -> bool:
        """Whether something is kept at this moment."""
        return self._redis is not None and self._redis.takes_writes

    async def write(self, steps: Sequence[tuple[str, TraceStep, int | None]]) -> None:
        """Keep steps of interactions, by the digest of its value: the first of one with the seconds
        that it may take, the others without. To one that was never begun nothing is added.
        """
        if self._redis is None or not steps:
            return
        commands: list[Command] = []
        for id, step, ttl in steps:
            commands.append(("RPUSHX" if ttl is None else "RPUSH", _steps(id), _ENCODE(step)))
            if ttl is not None:
                commands.append(("EXPIRE", _steps(id), ttl))
        full = {
            command[1]
            for command, count in zip(commands, await self._redis.pipeline(commands), strict=True)
            if command[0] == "RPUSHX" and int(count) > MOST_STEPS
        }
        if full:
            await self._redis.pipeline([("LTRIM", key, -MOST_STEPS, -1) for key in full])

    async def steps(self, id: str) -> tuple[TraceStep, ...]:
        """Return the steps of an interaction, the oldest first."""
        if self._redis is None:
            return ()
        return tuple(map(_STEP.decode, await self._redis.command("LRANGE", _steps(id), 0, -1)))

    async def keep(self, trace: Trace) -> None:
        """Keep what a support code stands for, in the place of the oldest of its organization
        where there are too many.
        """
        if self._redis is None:
            return
        ring = f"porta:traces:{trace.organization_id}"
        _, count, _ = await self._redis.pipeline(
            [
                ("SET", _key(trace.code), _ENCODE(trace), "EX", KEPT),
                ("LPUSH", ring, trace.code),
                ("EXPIRE", ring, KEPT),
            ]
        )
        if int(count) > MOST_TRACES:
            oldest = await self._redis.command("RPOP", ring)
            if oldest:
                await self._redis.command("DEL", _key(oldest.decode()))

    async def find(self, code: str) -> Trace | None:
        """Return what a support code stands for. Raises Unreachable."""
        found = await self._redis.command("GET", _key(code)) if self._redis is not None else None
        return _TRACE.decode(found) if found else None


def _steps(id: str) -> str:
    return f"porta:steps:{id}"


def _key(code: str) -> str:
    return f"porta:trace:{code}"
