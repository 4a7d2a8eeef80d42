"""Traces in Redis: what was refused while an interaction lives; what a support code stands for.

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

    async def write(self, steps: Sequence[tuple[str, TraceStep, int]]) -> None:
        """Keep steps of interactions that are there, each under the `id` of one, for so many
        seconds.
        """
        commands: list[Command] = []
        for id, step, ttl in steps:
            key = _steps(id)
            commands.append(("RPUSH", key, _ENCODE(step)))
            commands += [("LTRIM", key, -MOST_STEPS, -1), ("EXPIRE", key, ttl)]
        if self._redis is not None and commands:
            await self._redis.pipeline(commands)

    async def steps(self, ids: Sequence[str]) -> list[tuple[TraceStep, ...]]:
        """Return the steps of each interaction, the oldest first."""
        if self._redis is None or not ids:
            return [() for _ in ids]
        found = await self._redis.pipeline([("LRANGE", _steps(id), 0, -1) for id in ids])
        return [tuple(map(_STEP.decode, each)) for each in found]

    async def keep(self, traces: Sequence[Trace]) -> None:
        """Keep what support codes stand for, in the place of the oldest of their organization
        where there are too many.
        """
        commands: list[Command] = []
        for trace in traces:
            ring = f"porta:traces:{trace.organization_id}"
            commands += [
                ("SET", _key(trace.code), _ENCODE(trace), "EX", KEPT),
                ("LPUSH", ring, trace.code),
                ("EXPIRE", ring, KEPT),
                ("LRANGE", ring, MOST_TRACES, -1),
                ("LTRIM", ring, 0, MOST_TRACES - 1),
            ]
        if self._redis is None or not commands:
            return
        answers = await self._redis.pipeline(commands)
        oldest = [code.decode() for codes in answers[3::5] for code in codes]
        if oldest:
            await self._redis.pipeline([("DEL", _key(code)) for code in oldest])

    async def find(self, code: str) -> Trace | None:
        """Return what a support code stands for. Raises Unreachable."""
        found = await self._redis.command("GET", _key(code)) if self._redis is not None else None
        return _TRACE.decode(found) if found else None


def _steps(id: str) -> str:
    return f"porta:steps:{id}"


def _key(code: str) -> str:
    return f"porta:trace:{code}"
