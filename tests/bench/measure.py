"""Run one workload for a while and say what it cost the server."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.browser import Browser
from tests.bench.target import Party, Target
from tests.bench.workloads import Visitor, Workload, obtain_tokens, visitor

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Times in microseconds (CPU) and milliseconds (latencies)."""

    name: str
    connections: int
    count: int
    cpu_us: float
    per_second: float
    p50: float
    p95: float
    p99: float


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return user and system CPU time of the processes so far (Linux: /proc/<pid>/stat)."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICK


async def measure(target: Target, workload: Workload, connections: int, seconds: float) -> Row:
    """Load the target with `connections` visitors for `seconds`, after a short warm-up."""
    guests = [visitor(target) for _ in range(connections)]
    try:
        for guest in guests:
            if workload.needs_tokens:
                await obtain_tokens(guest)
        await _run(workload, guests, min(0.5, seconds / 4))
        before, began = cpu_seconds(target.pids), time.perf_counter()
        latencies = await _run(workload, guests, seconds)
        elapsed = time.perf_counter() - began
        cpu = cpu_seconds(target.pids) - before
    finally:
        for guest in guests:
            guest.connection.close()
    latencies.sort()
    count = len(latencies)
    return Row(workload.name, connections, count, cpu / count * 1e6, count / elapsed,
               *(_percentile(latencies, share) * 1e3 for share in (0.5, 0.95, 0.99)))  # fmt: skip


async def _run(workload: Workload, guests: list[Visitor], seconds: float) -> list[float]:
    deadline = time.perf_counter() + seconds
    latencies: list[float] = []

    async def loop(guest: Visitor) -> None:
        while (began := time.perf_counter()) < deadline:
            if workload.fresh_browser:
                guest.browser = Browser(guest.connection)
            await workload.once(guest)
            latencies.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        for guest in guests:
            group.create_task(loop(guest))
    return latencies


async def measure_bare(port: int, pid: int, connections: int, seconds: float) -> Row:
    """Load a bare Tornado handler in the same way: the floor under every other figure."""
    nobody = Party("", "", "")
    bare = Target(f"http://127.0.0.1:{port}", (pid,), {}, "", "", nobody, nobody)

    async def once(guest: Visitor) -> None:
        answer = await guest.connection.post("/", {"grant_type": "client_credentials"})
        if answer.body != b'{"ok":true}':
            raise RuntimeError("the bare handler answered wrongly")

    return await measure(bare, Workload("bare Tornado handler", once), connections, seconds)


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
