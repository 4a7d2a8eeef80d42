"""Proof of the audit trail: verified where it stands or in a file, and exported to one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from porta.audit.findings import Fault, Problem, Report
from porta.audit.verification import Verification
from porta.security.audit_keys import AuditKeys, Verifiers
from storage.models.audit import Checkpoint, Recorded, Seal, SealedEntry, SealingState

if TYPE_CHECKING:
    from storage.router import Storage

_PAGE = 1000
PATIENCE = 300.0
"""Seconds within which an entry has to be sealed."""


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of an exported file: its beginning, a seal with its entry, a checkpoint, its end."""

    version: int | None = None
    """Of the format, in the first line alone."""
    chain: str | None = None
    """The one chain that was exported; None where all were."""
    seal: Seal | None = None
    entry: Recorded | None = None
    checkpoint: Checkpoint | None = None
    end: int | None = None
    """How many lines there are before this one, which is the last."""


async def verify(
    storage: Storage,
    verifiers: Verifiers,
    keys: AuditKeys | None,
    *,
    anchors: Sequence[Checkpoint] = (),
    patience: float = PATIENCE,
) -> Report:
    """Verify the trail as it stands in the database at this moment.

    `anchors` are checkpoints that were kept elsewhere; `patience` is in seconds. Without `keys`
    the codes of single entries are not judged.
    """
    async with _at_one_moment(storage) as tx:
        verification = Verification(verifiers, keys)
        kept = {each.number: each for each in anchors}
        standing: dict[int, Checkpoint] = {}
        last = 0
        async for checkpoint in _checkpoints(tx):
            verification.learn(checkpoint)
            last = checkpoint.number
            if last in kept:
                standing[last] = checkpoint
        verification.learned()
        async for item in _merged(tx, None):
            verification.take(item)
        state = await tx.audit_chain.look()
        verification.compare_state(state, await tx.audit_chain.heads_since(-1))
        for number, anchored in sorted(kept.items()):
            verification.compare_anchor(anchored, standing.get(number))
        await _take_unsealed(tx, verification, state, patience)
    return verification.finish()


def verify_file(
    path: Path, verifiers: Verifiers, keys: AuditKeys | None, anchors: Sequence[Checkpoint] = ()
) -> Report:
    """Verify an exported file, twice read from beginning to end. Raises OSError."""
    first = next(iter(_lines(path)), None)
    only = first.chain if isinstance(first, Line) else None
    verification = Verification(verifiers, keys, only=only)
    if not isinstance(first, Line) or first.version != 1:
        verification.report.tell(Problem(Fault.ALTERED, "line 1: this is no export of a trail"))
        return verification.finish()
    kept = {each.number: each for each in anchors}
    standing: dict[int, Checkpoint] = {}
    for line in _lines(path):
        if isinstance(line, Line) and line.checkpoint is not None:
            verification.learn(line.checkpoint)
            if line.checkpoint.number in kept:
                standing[line.checkpoint.number] = line.checkpoint
    verification.learned()
    _take_lines(path, verification)
    for number, anchored in sorted(kept.items()):
        verification.compare_anchor(anchored, standing.get(number))
    return verification.finish()


async def export(storage: Storage, file: IO[bytes], chain: str | None = None) -> int:
    """Write all chains, or one, to a file; return how many entries there were."""
    lines = entries = 0

    def write(line: Line) -> None:
        nonlocal lines
        file.write(msgspec.json.encode(line) + b"\n")
        lines += 1

    async with _at_one_moment(storage) as tx:
        write(Line(version=1, chain=chain))
        async for item in _merged(tx, chain):
            if isinstance(item, Checkpoint):
                write(Line(checkpoint=item))
            else:
                write(Line(seal=item.seal, entry=item.entry))
                entries += 1
        write(Line(end=lines))
    return entries


def read_anchor(path: Path) -> list[Checkpoint]:
    """Return the checkpoints of an anchor's file. Raises OSError, and ValueError with the line."""
    found = []
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                found.append(msgspec.json.decode(raw, type=Checkpoint))
            except msgspec.DecodeError:
                raise ValueError(f"line {number} holds no checkpoint") from None
    return found


@asynccontextmanager
async def _at_one_moment(storage: Storage) -> AsyncIterator[Storage]:
    """Yield a transaction that sees nothing of what is sealed or removed meanwhile."""
    async with storage.transaction() as tx:
        await tx.audit_chain.freeze()
        yield tx


async def _checkpoints(tx: Storage) -> AsyncIterator[Checkpoint]:
    after = 0
    while page := await tx.audit_chain.checkpoints(after, _PAGE):
        for checkpoint in page:
            yield checkpoint
        after = page[-1].number


async def _merged(tx: Storage, chain: str | None) -> AsyncIterator[Checkpoint | SealedEntry]:
    """Yield seals in order, and each checkpoint after those that it covers."""
    checkpoints = _checkpoints(tx)
    due = await anext(checkpoints, None)
    async for item in _sealed(tx, chain):
        while due is not None and _covers(due) < item.seal.place:
            yield due
            due = await anext(checkpoints, None)
        yield item
    while due is not None:
        yield due
        due = await anext(checkpoints, None)


async def _sealed(tx: Storage, chain: str | None) -> AsyncIterator[SealedEntry]:
    after = -(2**63)
    while page := await tx.audit_chain.sealed(after, _PAGE, chain):
        for item in page:
            yield item
        after = page[-1].seal.place


class _Place(msgspec.Struct, frozen=True):
    place: int = 0


def _covers(checkpoint: Checkpoint) -> int:
    try:
        return msgspec.json.decode(checkpoint.content, type=_Place).place
    except msgspec.DecodeError:
        return 0


async def _take_unsealed(
    tx: Storage, verification: Verification, state: SealingState | None, patience: float
) -> None:
    after: int | None = -(2**63)
    while after is not None:
        found, after = await tx.audit_chain.unsealed(after, _PAGE)
        for entry, age in found:
            if state is not None and state.backlog_after < entry.sequence <= min(
                state.backlog_last, verification.backlog
            ):
                verification.report.waiting += 1
            else:
                verification.take_unsealed(entry, age, patience)


def _lines(path: Path) -> Iterator[Line | None]:
    """Yield the lines of a file, and None for what is none."""
    with path.open("rb") as file:
        for raw in file:
            try:
                yield msgspec.json.decode(raw, type=Line)
            except (msgspec.DecodeError, RecursionError):
                yield None


def _take_lines(path: Path, verification: Verification) -> None:
    number, ended = 0, False
    for number, line in enumerate(_lines(path), 1):
        if ended or line is None:
            told = "it stands after the end" if ended else "it cannot be read"
            verification.report.tell(Problem(Fault.ALTERED, f"line {number}: {told}"))
        elif line.seal is not None:
            verification.take(SealedEntry(seal=line.seal, entry=line.entry))
        elif line.checkpoint is not None:
            verification.take(line.checkpoint)
        elif line.end is not None:
            ended = True
            if line.end != number - 1:
                told = f"line {number}: {line.end} lines were written before it"
                verification.report.tell(Problem(Fault.MISSING, told))
    if not ended:
        told = f"the end of the file, after line {number}"
        verification.report.tell(Problem(Fault.MISSING, told))
