"""Callers who race in processes of their own: `python -m ... <redeem|rotate>`, the job on stdin."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

import msgspec

from storage.postgres.driver import Postgres
from storage.repositories.tokens import Tokens
from tests.factories import new_value
from tests.world.rows import World

_PROCESSES = 2
_CALLERS = 25


class Job(msgspec.Struct, frozen=True):
    """What every caller does with the same values."""

    action: str
    url: str
    world: World
    value: str
    successor: str = ""


async def race(job: Job) -> list[str]:
    """Let 50 callers in two processes do the job at once; return what each got."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(_PROCESSES)
    ]
    for process in processes:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(job) + b"\n")
        assert await process.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    return [answer for output, _ in answers for answer in msgspec.json.decode(output)]


async def _redeem(tokens: Tokens, job: Job) -> str:
    family = job.world.family(job.value)
    access, refresh = job.world.access(family), job.world.refresh(family)
    return str(await tokens.redeem(family, 3600, access, 600, refresh, 3600))


async def _rotate(tokens: Tokens, job: Job) -> str:
    found = await tokens.find_refresh(job.value, job.world.organization.id)
    if found is None:
        return "absent"
    family = job.world.family()
    # Without a successor of the job's, each has one of its own.
    successor = job.world.refresh(family, job.successor or new_value(), 1)
    rotated = await tokens.rotate(
        msgspec.structs.replace(job.world.refresh(family), id=found.token.id),
        msgspec.structs.replace(successor, family_id=found.token.family_id),
        3600,
        msgspec.structs.replace(job.world.access(family), family_id=found.token.family_id),
        600,
        10,
    )
    return rotated.rotation.value


_ACTIONS: dict[str, Callable[[Tokens, Job], Awaitable[str]]] = {
    "redeem": _redeem,
    "rotate": _rotate,
}


async def _main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    pg = await Postgres.open(job.url, size=_CALLERS)
    async with asyncio.TaskGroup() as group:  # every connection stands before the race begins
        for _ in range(_CALLERS):
            group.create_task(pg.fetch("SELECT pg_sleep(0.05)"))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.buffer.readline()
    action, tokens = _ACTIONS[job.action], Tokens(pg)
    results = await asyncio.gather(*(action(tokens, job) for _ in range(_CALLERS)))
    sys.stdout.write(msgspec.json.encode(results).decode())
    await pg.close()


if __name__ == "__main__":
    asyncio.run(_main())
