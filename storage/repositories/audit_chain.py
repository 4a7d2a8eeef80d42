"""Seals, chains and checkpoints of the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from storage.models.audit import (
    Checkpoint,
    Head,
    Recorded,
    Seal,
    SealedEntry,
    SealingState,
)
from storage.postgres.statement import Executor, Row
from storage.repositories import audit_chain_sql as sql


@dataclass(frozen=True, slots=True)
class Taken:
    """What is to be sealed next."""

    entries: list[Recorded]
    lost: list[int]
    """Numbers of entries that were written, and are not there."""
    backlog_after: int


class AuditChain:
    """What proves the table `audit_log`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def is_due(self, checkpoint_after: float) -> bool:
        """Whether there is something to seal, or a checkpoint of so many seconds to follow."""
        row = await self._pg.fetchrow(sql.IS_DUE, {"seconds": checkpoint_after})
        return bool(row and row[0])

    async def hold(self, *, wait: bool = False) -> SealingState | None:
        """Return where sealing stands, held until the transaction ends.

        None where somebody else holds it, unless that is waited for.
        """
        row = await self._pg.fetchrow(sql.HOLD.format("" if wait else " SKIP LOCKED"))
        return SealingState(**dict(zip(sql.STATE, row, strict=True))) if row else None

    async def look(self) -> SealingState | None:
        """Return where sealing stands, whoever holds it."""
        row = await self._pg.fetchrow(sql.LOOK)
        return SealingState(**dict(zip(sql.STATE, row, strict=True))) if row else None

    async def freeze(self) -> None:
        """Let this transaction see one moment, and change nothing."""
        await self._pg.execute(sql.FREEZE)

    async def take(self, state: SealingState, limit: int) -> Taken:
        """Return entries that wait to be sealed, in order; they wait no more.

        Those from before the chain first: everything that came later waits until they are sealed.
        """
        if state.backlog_after < state.backlog_last:
            values = {"after": state.backlog_after, "last": state.backlog_last, "limit": limit}
            entries = [_recorded(row) for row in await self._pg.fetch(sql.BACKLOG, values)]
            after = entries[-1].sequence if entries else state.backlog_last
            return Taken(entries, [], after)
        rows = await self._pg.fetch(sql.TAKE, {"limit": limit})
        return Taken(
            [_recorded(row[:-1]) for row in rows if row[0] is not None],
            [int(row[-1]) for row in rows if row[0] is None],
            state.backlog_after,
        )

    async def heads(self, chains: Sequence[str]) -> dict[str, Head]:
        """Return the ends of these chains, of those that have begun."""
        rows = await self._pg.fetch(sql.HEADS, {"chains": list(chains)})
        return {row[0]: Head(*row) for row in rows}

    async def heads_since(self, place: int) -> list[Head]:
        """Return the ends of all chains that have grown since that place."""
        return [Head(*row) for row in await self._pg.fetch(sql.HEADS_SINCE, {"place": place})]

    async def append(self, seals: Sequence[Seal]) -> None:
        """Add seals, the ends of their chains, and tell listeners of the last one."""
        columns = {name: [getattr(each, name) for each in seals] for name in Seal.__struct_fields__}
        await self._pg.execute(sql.APPEND, columns)
        ends = {each.chain: each for each in seals}
        await self._pg.execute(
            sql.MOVE_HEADS,
            {name: [getattr(each, name) for each in ends.values()]
             for name in ("chain", "position", "hash", "place")},
        )  # fmt: skip
        await self._pg.execute(sql.TELL, {"place": str(seals[-1].place)})

    async def put(self, state: SealingState, *, unproven: bool = False) -> None:
        """Write where sealing stands; `unproven` dates the last entry without a code."""
        await self._pg.execute(sql.PUT, msgspec.structs.asdict(state) | {"unproven": unproven})

    async def add_checkpoint(self, made: Checkpoint) -> None:
        """Store a checkpoint."""
        await self._pg.execute(sql.ADD_CHECKPOINT, msgspec.structs.asdict(made))

    async def checkpoints(self, after: int, limit: int) -> list[Checkpoint]:
        """Return checkpoints after that number, in order."""
        rows = await self._pg.fetch(sql.CHECKPOINTS, {"after": after, "limit": limit})
        return [Checkpoint(**dict(zip(Checkpoint.__struct_fields__, r, strict=True))) for r in rows]

    async def sealed(self, after: int, limit: int, chain: str | None = None) -> list[SealedEntry]:
        """Return seals after that place, in order, with what they seal."""
        rows = await self._pg.fetch(
            sql.SEALED_OF_CHAIN if chain else sql.SEALED,
            {"after": after, "limit": limit, "chain": chain},
        )
        return [_sealed(row) for row in rows]

    async def unsealed(
        self, after: int, limit: int
    ) -> tuple[list[tuple[Recorded, float]], int | None]:
        """Look at `limit` entries after that number. Return those without a seal, with the seconds
        since they were written, and the number of the last; None when there are no more.
        """
        row = await self._pg.fetchrow(sql.PAGE_END, {"after": after, "limit": limit})
        last = row[0] if row else None
        if last is None:
            return [], None
        rows = await self._pg.fetch(sql.UNSEALED, {"after": after, "last": last})
        return [(_recorded(row[:-1]), float(row[-1])) for row in rows], int(last)

    async def oldest(self, days: int, until: int, limit: int) -> tuple[int, list[Head]]:
        """Return the ends, in their chains, of the seals that stand first and whose entries are
        older than `days`, and the place of the last of them; up to `limit`, and the place `until`.
        """
        rows = await self._pg.fetch(sql.OLDEST, {"days": days, "until": until, "limit": limit})
        ends = {row[1]: Head(*row[1:]) for row in rows}
        return (int(rows[-1][0]) if rows else 0), list(ends.values())

    async def remove(self, place: int) -> int:
        """Delete all seals up to that place, and their entries; return how many entries."""
        return await self._pg.execute(sql.REMOVE, {"place": place})

    async def count_erasable(self, user_id: str) -> int:
        """Return how many entries hold something personal of a person."""
        row = await self._pg.fetchrow(sql.COUNT_ERASABLE, {"user_id": user_id})
        return int(row[0]) if row else 0

    async def erase(self, user_id: str, limit: int) -> list[str | None]:
        """Erase what is personal of a person from up to `limit` sealed entries, salts and all;
        return the organization of each.
        """
        rows = await self._pg.fetch(sql.ERASE, {"user_id": user_id, "limit": limit})
        return [row[0] for row in rows]

    async def unsealed_of(self, user_id: str, limit: int) -> list[Recorded]:
        """Return entries of a person that are not sealed yet."""
        values = {"user_id": user_id, "limit": limit}
        return [_recorded(row) for row in await self._pg.fetch(sql.UNSEALED_OF_PERSON, values)]

    async def rewrite(self, entry: Recorded) -> None:
        """Write what an entry has left after an erasure, before it is sealed."""
        await self._pg.execute(sql.REWRITE, msgspec.structs.asdict(entry))

    async def may_be_shared(self) -> bool:
        """Whether Porta 1.x may write to this database."""
        row = await self._pg.fetchrow(sql.MAY_BE_SHARED)
        return bool(row and row[0])


def _recorded(row: Row) -> Recorded:
    return Recorded(**dict(zip(Recorded.__struct_fields__, row, strict=True)))


def _sealed(row: Row) -> SealedEntry:
    width = len(Seal.__struct_fields__)
    seal = Seal(**dict(zip(Seal.__struct_fields__, row[:width], strict=True)))
    entry = _recorded(row[width:]) if row[width] is not None else None
    return SealedEntry(seal=seal, entry=entry)
