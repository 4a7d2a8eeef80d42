"""Processes of their own beside a test, that begin at one word."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


async def answers_of_two(module: str, *arguments: str, told: str) -> list[str]:
    """Run a module in two processes at once; return the line that each of them prints.

    Each is `told` what it needs on its standard input, says that it is ready, and then waits for
    the word to begin.
    """
    command, pipe = [sys.executable, "-m", module, *arguments], subprocess.PIPE
    processes = [
        subprocess.Popen(command, cwd=_ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(2)
    ]
    for process in processes:
        _say(process, told)
        assert await _hear(process) == "ready"
    for process in processes:
        _say(process, "go\n")
    answers = [await _hear(process) for process in processes]
    for process in processes:
        process.communicate()
    return answers


def _say(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()


async def _hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return (await asyncio.to_thread(process.stdout.readline)).strip()
