"""Provisioning: a file that says what an installation holds, and the run that makes it so."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict
from porta.security.encryption import EncryptionKeys
from porta.security.passwords import Passwords
from porta.services.provisioning import steps
from porta.services.provisioning.document import Document
from porta.services.provisioning.file import build_document, load_document
from porta.services.provisioning.hashes import Hashes
from porta.services.provisioning.problems import DocumentInvalid, FileProblem
from porta.services.provisioning.report import Credential, Line, Report
from porta.services.provisioning.run import Progress, Run

if TYPE_CHECKING:
    from storage.router import Storage

__all__ = [
    "OCCUPIED",
    "AtEnd",
    "Credential",
    "Document",
    "DocumentInvalid",
    "FileProblem",
    "Line",
    "Mode",
    "Report",
    "build_document",
    "load_document",
    "provision",
    "provision_all",
]

Mode = Literal["merge", "overwrite"]
AtEnd = Callable[["Storage", Report], Awaitable[None]]
_PATIENCE = 30.0
"""Seconds that another run on the same database is waited for."""
_PAUSE = 0.2


class _RollBack(Exception):
    """Leaves the transaction without a trace of it."""


class _HashesWanted(Exception):
    """Leaves it for hashes to be made: what hashes holds no transaction meanwhile."""


async def provision(
    storage: Storage,
    document: Document,
    *,
    passwords: Passwords,
    mode: Mode | Literal["dry-run"] = "merge",
    now: float,
    actor: Actor = SYSTEM,
    keys: EncryptionKeys = (),
) -> Report:
    """Make the database hold what `document` says: `provision_all` of this one alone.

    `dry-run` tells what `merge` would do.
    """
    return await provision_all(
        storage,
        {"": document},
        passwords=passwords,
        mode="merge" if mode == "dry-run" else mode,
        dry_run=mode == "dry-run",
        now=now,
        actor=actor,
        keys=keys,
    )


async def provision_all(
    storage: Storage,
    documents: Mapping[str, Document],
    *,
    passwords: Passwords,
    mode: Mode = "merge",
    dry_run: bool = False,
    approved: Sequence[Line] | None = None,
    now: float,
    actor: Actor = SYSTEM,
    at_end: AtEnd | None = None,
    progress: Progress | None = None,
    keys: EncryptionKeys = (),
) -> Report:
    """Make the database hold what `documents` (by the name of their file) say, one after the other,
    in one transaction, or change nothing at all.

    `merge` adds what is missing and leaves what exists; `overwrite` changes that too. Passwords,
    secrets and what a file is silent about are never overwritten. A dry run only tells what would
    be done. Where somebody was asked about updates, `approved` holds these: others are not made.
    One run waits for another. `now` is in seconds since the epoch. A report with errors means that
    nothing was done. It is for whoever holds no transaction: what it is to keep as hashes is hashed
    between two attempts of it, where one is not enough. Under `keys` secrets of connections are
    kept. `at_end` is done in the transaction of what was done, before it ends; `progress` hears how
    many things were, in this attempt. Raises StorageError for what no file is to blame for.
    """
    means = approved, now, actor, Hashes(), at_end, progress, keys
    asked = _Asked(documents, mode, dry_run, *means)
    while True:
        try:
            report = await _attempt(storage, asked)
        except _HashesWanted:
            await asked.hashes.make(passwords)
        else:
            if not report.errors:
                return report
            forbidden = report.is_forbidden
            return Report(mode, dry_run, errors=report.errors, is_forbidden=forbidden)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a run is asked for, and the hashes that its attempts share."""

    documents: Mapping[str, Document]
    mode: Mode
    dry_run: bool
    approved: Sequence[Line] | None
    now: float
    actor: Actor
    hashes: Hashes
    at_end: AtEnd | None
    progress: Progress | None
    keys: EncryptionKeys


async def _attempt(storage: Storage, asked: _Asked) -> Report:
    """Do all of it in one transaction, or nothing. Raises _HashesWanted where it is to be done
    again with hashes that were yet to be made.
    """
    report = Report(asked.mode, asked.dry_run)
    source = ""
    try:
        async with storage.transaction() as tx:
            if not await _wait_for_others(tx):
                report.errors.append(FileProblem((), OCCUPIED))
                raise _RollBack
            for source, document in asked.documents.items():
                part = Report(asked.mode, asked.dry_run)
                means = tx, asked.hashes, asked.mode == "overwrite", asked.now, asked.actor
                run = Run(*means, part, asked.progress, asked.keys)
                await steps.apply(run, document)
                report.add(part, source)
            if asked.approved is not None and report.updated != list(asked.approved):
                report.errors.append(FileProblem((), _CHANGED_MEANWHILE))
            if report.errors or asked.dry_run:
                raise _RollBack
            if asked.hashes.are_wanted:
                raise _HashesWanted
            await _record(tx, report, asked.actor)
            if asked.at_end is not None:
                await asked.at_end(tx, report)
    except _RollBack:
        report.credentials.clear()
    except Conflict as race:
        message = f"{race.message}: it was made at the same time; run again"
        report.errors.append(FileProblem((), message, source=source))
    return report


_CHANGED_MEANWHILE = "the database changed after the question was asked; run again"
OCCUPIED = "another run is at work on this database; run again when it is over"


async def _wait_for_others(tx: Storage) -> bool:
    """Return whether this run is the only one on its database, until its transaction ends."""
    deadline = time.monotonic() + _PATIENCE
    while not await tx.system_config.try_provisioning_lock():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_PAUSE)
    return True


async def _record(tx: Storage, report: Report, actor: Actor) -> None:
    """One event for the whole, beside those of every change in it. No change, no event."""
    if not report.changed:
        return
    metadata = {
        "mode": report.mode,
        "created": dict(Counter(line.kind for line in report.created)),
        "updated": dict(Counter(line.kind for line in report.updated)),
        "skipped": len(report.skipped),
    }
    await events.record(tx, "admin.import", metadata=metadata, actor=actor)
