"""An artifact is given once, however many processes ask for it at the same moment."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from storage.errors import AlreadyConsumed
from storage.models.artifacts import (
    ARTIFACTS,
    AuthorizationCode,
)
from tests.storage import samples

CODE = ARTIFACTS[AuthorizationCode]
A = str(uuid4())


@pytest.mark.parametrize("name", samples.SHARED)
async def test_of_50_parallel_callers_in_two_processes_one_is_given_the_code(
    name: str, database_url: str, redis_url: str
) -> None:
    code = samples.code(A)
    async with samples.open_store(name, database_url, redis_url) as store:
        await store.save(CODE, code, 60)
        processes = [_start_consumer(name, code.id) for _ in range(2)]
        for process in processes:
            await _say(process, f"{database_url}\n{redis_url}\n")
            assert await _hear(process) == "ready"
        for process in processes:
            await _say(process, "go\n")
        results = [(await _hear(process)).split() for process in processes]
        for process in processes:
            process.communicate()
        assert sum(int(given) for given, _ in results) == 1
        assert sum(int(used) for _, used in results) == 49
        with pytest.raises(AlreadyConsumed):
            await store.consume(CODE, code.id, A)


def _start_consumer(name: str, id: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.storage.consume_in_parallel", name, id, A]
    root = Path(__file__).parents[2]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe, text=True)


async def _say(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()


async def _hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return (await asyncio.to_thread(process.stdout.readline)).strip()
