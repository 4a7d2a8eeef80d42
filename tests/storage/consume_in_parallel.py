"""A process of its own that consumes one code 25 times at once, when told to.

Arguments: store, id, organization. On its standard input: both URLs, then a line to begin.
Prints how many calls were given the code, and how many were told that it was used.
"""

from __future__ import annotations

import asyncio
import sys

from storage.errors import AlreadyConsumed
from storage.models.artifacts import ARTIFACTS, AuthorizationCode
from tests.world.stores import open_store

_CALLERS = 25


async def main(name: str, id: str, organization_id: str) -> None:
    database_url, redis_url = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    kind = ARTIFACTS[AuthorizationCode]
    async with open_store(name, database_url, redis_url) as store:
        await asyncio.gather(*(store.find(kind, id, organization_id) for _ in range(_CALLERS)))
        print("ready", flush=True)
        sys.stdin.readline()
        answers = await asyncio.gather(
            *(store.consume(kind, id, organization_id) for _ in range(_CALLERS)),
            return_exceptions=True,
        )
    given = sum(isinstance(answer, AuthorizationCode) for answer in answers)
    used = sum(
        isinstance(answer, AlreadyConsumed) and isinstance(answer.artifact, AuthorizationCode)
        for answer in answers
    )
    print(given, used, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
