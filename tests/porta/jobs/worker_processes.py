"""Worker processes to be killed: `python -m tests.porta.jobs.worker_processes DATABASE_URL`.

It forks one for each line that it reads, and writes the number of the process: what is imported is
imported once, so that ten of them start in no time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from porta.audit import events
from porta.jobs.job import Execution
from porta.jobs.worker import Worker
from porta.runtime import Runtime
from tests.porta.jobs.workers import job
from tests.world.served import settings_for

LEASE = 2.0


async def _run(execution: Execution, n: int) -> None:
    await asyncio.sleep(0.004)
    async with execution.completion() as tx:
        await events.record(tx, "admin.import", metadata={"n": n})
        await asyncio.sleep(0.001)


async def _work(url: str) -> None:
    runtime = await Runtime.open(settings_for(url, None))
    await Worker(runtime, [job(_run)], lease=LEASE).run()


def main() -> None:
    """Fork until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        process = os.fork()
        if process == 0:
            asyncio.run(_work(sys.argv[1]))
            os._exit(0)
        print(process, flush=True)


if __name__ == "__main__":
    main()
