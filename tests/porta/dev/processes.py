"""What tests ask of processes that others started: whether they are gone, and when."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def wait_for(fact: Callable[[], bool], seconds: float) -> None:
    """Wait until `fact` is so; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """Return the processes that a process began, and that have not ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z" and int(fields[1]) == pid:
                found.append(int(folder.name))
    return found


def gone(pid: int) -> bool:
    """Whether a process has ended, even if nobody has asked yet how."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
