"""Sealing of the audit trail: what was written is put into its chain, in batches, by one alone."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from porta.audit import chain, checkpoints, events
from porta.audit.chain import Proof
from porta.audit.checkpoints import Content, Start
from porta.security.audit_keys import AuditKeys
from storage.models.audit import Checkpoint, Head, Seal, SealingState
from storage.repositories.audit_chain import Taken

if TYPE_CHECKING:
    from storage.router import Storage

_LOG = logging.getLogger(__name__)
BATCH = 500
CHECKPOINT_ENTRIES, CHECKPOINT_SECONDS = 1000, 300.0
"""Entries, and seconds since the last one, after which a checkpoint follows."""
_CLOSE_AFTER = 3600.0
"""Seconds without an entry that has no code: a version that writes such has gone by then."""
_AT_ONCE = 25
"""Entries that are hashed before others have their turn: about a millisecond."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What became of a batch."""

    entries: int
    """How many waited: with none, nothing waits any more."""
    checkpoint: Checkpoint | None


async def is_due(storage: Storage) -> bool:
    """Whether `seal` has something to do."""
    return await storage.audit_chain.is_due(CHECKPOINT_SECONDS)


async def seal(storage: Storage, keys: AuditKeys) -> Sealed:
    """Seal a batch of entries, and sign a checkpoint when it is time; in a transaction of its own.

    Nothing is done where another is at it.
    """
    async with storage.transaction() as tx:
        state = await tx.audit_chain.hold()
        return await seal_within(tx, keys, state) if state is not None else Sealed(0, None)


async def seal_all(tx: Storage, keys: AuditKeys, most: int) -> SealingState | None:
    """Seal what waits in this transaction, up to so many batches, and sign that; return the state,
    which is held until the transaction ends.
    """
    state = await tx.audit_chain.hold(wait=True)
    while state is not None and most > 0:
        most -= 1
        if not (await seal_within(tx, keys, state, sign_now=True)).entries:
            break
        state = await tx.audit_chain.hold()
    return state


async def seal_within(
    tx: Storage, keys: AuditKeys, state: SealingState, *, sign_now: bool = False
) -> Sealed:
    """Seal a batch in the transaction that holds the state."""
    taken = await tx.audit_chain.take(state, BATCH)
    seals = await _seal(tx, keys, state, taken)
    moved = await _moved(tx, state, taken, seals)
    await _tell_suspicious(tx, moved, taken, seals)
    made = None
    if _is_time(moved, sign_now=sign_now):
        moved, made = await sign(tx, keys, moved)
    unproven = _backlog_is_over(state) and any(each.proof == Proof.NONE for each in seals)
    if moved != state:
        await tx.audit_chain.put(moved, unproven=unproven)
    passed = moved.backlog_after != state.backlog_after
    return Sealed(max(len(taken.entries), len(taken.lost), int(passed)), made)


async def sign(
    tx: Storage, keys: AuditKeys, state: SealingState, start: Start | None = None
) -> tuple[SealingState, Checkpoint]:
    """Store a checkpoint, and return it with the state that knows it; `start` is what goes."""
    content = Content(
        number=state.checkpoint + 1,
        previous=state.checkpoint_hash,
        at=state.now,
        place=state.place,
        heads=await tx.audit_chain.heads_since(state.checkpoint_place),
        backlog=state.backlog_last,
        closed_at=state.closed_at,
        start=start,
    )
    made = checkpoints.build(content, keys)
    await tx.audit_chain.add_checkpoint(made)
    known = msgspec.structs.replace(
        state,
        checkpoint=made.number,
        checkpoint_place=state.place,
        checkpoint_hash=checkpoints.digest(made),
    )
    return known, made


async def _seal(tx: Storage, keys: AuditKeys, state: SealingState, taken: Taken) -> list[Seal]:
    entries = taken.entries
    heads = await tx.audit_chain.heads(sorted({chain.chain_of(each) for each in entries}))
    seals: list[Seal] = []
    for number, entry in enumerate(entries, 1):
        of = chain.chain_of(entry)
        head = heads.get(of) or Head(of, 0, chain.GENESIS)
        salts = secrets.token_bytes(2 * chain.SALT_BYTES)
        proof = chain.prove(entry, keys)
        made = chain.seal(entry, head, state.place + number, proof, salts, state.now)
        heads[of] = Head(of, made.position, made.hash)
        seals.append(made)
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    if seals:
        await tx.audit_chain.append(seals)
    return seals


async def _moved(tx: Storage, state: SealingState, taken: Taken, seals: list[Seal]) -> SealingState:
    """Return where sealing stands after a batch."""
    place = seals[-1].place if seals else state.place
    closed_at = state.closed_at
    if (
        closed_at is None
        and _backlog_is_over(state)
        and state.unproven_for > _CLOSE_AFTER
        and all(each.proof != Proof.NONE for each in seals)
        and not await tx.audit_chain.may_be_shared()
    ):
        closed_at = place
    return msgspec.structs.replace(
        state, place=place, backlog_after=taken.backlog_after, closed_at=closed_at
    )


async def _tell_suspicious(
    tx: Storage, state: SealingState, taken: Taken, seals: list[Seal]
) -> None:
    """Leave an entry, and a line for whoever watches the log, of what cannot have been us."""
    strangers = [each for each in seals if _is_strange(each, state.closed_at)]
    for reason, ids in (
        ("removed before it was sealed", [str(number) for number in taken.lost]),
        ("not written by this installation", [each.entry for each in strangers]),
    ):
        if ids:
            told = {"reason": reason, "count": len(ids), "first": ids[0]}
            await events.record(tx, "audit.tampered", metadata=told)
            _LOG.error("audit.tampered", extra=told)


def _is_strange(made: Seal, closed_at: int | None) -> bool:
    if made.proof == Proof.NONE:
        return closed_at is not None and made.place > closed_at
    return made.proof == Proof.WRONG


def _backlog_is_over(state: SealingState) -> bool:
    return state.backlog_after >= state.backlog_last


def _is_time(state: SealingState, *, sign_now: bool) -> bool:
    grown = state.place - state.checkpoint_place
    if grown <= 0:
        return False
    late = state.checkpoint == 0 or state.checkpoint_age > CHECKPOINT_SECONDS
    return sign_now or late or grown >= CHECKPOINT_ENTRIES
