"""Job: keep a checkpoint of the audit trail where whoever writes to the database cannot.

It may run twice: a line that stands twice in the file says the same, and the other side knows a
checkpoint by its number.
"""

from __future__ import annotations

import asyncio
import os
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from porta.config.settings import Settings
from porta.jobs.job import Execution, Job, JobDeferred
from porta.outbound.http import NotSent
from porta.outbox.queue import Kind, enqueue

if TYPE_CHECKING:
    from storage.router import Storage


class Place(StrEnum):
    """Where checkpoints are kept."""

    FILE = "file"
    URL = "url"


class Anchoring(msgspec.Struct, frozen=True):
    """Which checkpoint goes where."""

    number: int
    place: Place


KIND = Kind("anchor_audit", Anchoring, max_attempts=20)


async def enqueue_each(storage: Storage, settings: Settings, number: int) -> None:
    """Have a checkpoint kept wherever the settings say."""
    places = {Place.FILE: settings.audit_anchor_file, Place.URL: settings.audit_anchor_url}
    for place, configured in places.items():
        if configured is not None:
            await enqueue(storage, KIND, Anchoring(number, place))


async def run(execution: Execution) -> None:
    """Send a checkpoint; what was unconfigured meanwhile is done."""
    settings = execution.runtime.settings
    wanted = KIND.decode(execution.payload)
    found = await execution.runtime.storage.everywhere.audit_chain.checkpoints(wanted.number - 1, 1)
    if not found or found[0].number != wanted.number:
        return
    raw = msgspec.json.encode(found[0])
    try:
        if wanted.place is Place.FILE and settings.audit_anchor_file is not None:
            await asyncio.to_thread(_append, settings.audit_anchor_file, raw + b"\n")
        if wanted.place is Place.URL and settings.audit_anchor_url is not None:
            await execution.runtime.outbound.post(
                settings.audit_anchor_url, raw, content_type="application/json"
            )
    except (OSError, NotSent) as error:
        raise JobDeferred(f"the anchor ({wanted.place}) did not take it: {error}") from None


def _append(path: str, line: bytes) -> None:
    """Write a line at once and to the disk; who wrote half a line before, is told apart."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            line = b"\n" + line
        if os.write(file, line) != len(line):
            raise OSError("the file took a part of it")
        os.fsync(file)
    finally:
        os.close(file)


JOB = Job(KIND, run)
