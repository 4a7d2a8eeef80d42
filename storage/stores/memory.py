"""In-memory artifact store: a dictionary, for tests that need no database."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from storage.errors import AlreadyConsumed
from storage.models.artifact import Artifact
from storage.models.artifacts import ArtifactKind
from storage.stores import Change, check_index, check_look_up, is_held_by, is_open_to, refusal


@dataclass(slots=True)
class _Entry:
    artifact: Artifact
    expires_at: float
    consumed: bool = False


class MemoryStore:
    """What one process remembers while it lives; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[tuple[type[Artifact], str], _Entry] = {}

    async def save(self, kind: ArtifactKind, artifact: Artifact, ttl: float) -> None:
        old = self._living(kind, artifact.id)
        if old is not None:
            own = old.artifact.organization_id == artifact.organization_id
            if not own or old.consumed or kind.created_once:
                raise refusal(kind, artifact, old.artifact if own else None)
        entry = _Entry(artifact, self._clock() + ttl)
        self._entries[kind.record, artifact.id] = entry

    async def amend(self, kind: ArtifactKind, known: Artifact, change: Change) -> Artifact | None:
        entry = self._open_to(kind, known.id, known.organization_id)
        if entry is None:
            return None
        if entry.consumed:
            raise AlreadyConsumed(entry.artifact)
        new, ttl = change(entry.artifact)
        self._entries[kind.record, new.id] = _Entry(new, self._clock() + ttl)
        return new

    async def find(self, kind: ArtifactKind, id: str, organization_id: str) -> Artifact | None:
        entry = self._open_to(kind, id, organization_id)
        return None if entry is None or entry.consumed else entry.artifact

    async def find_by(
        self, kind: ArtifactKind, organization_id: str, index: str, value: str
    ) -> Artifact | None:
        check_index(kind, index)
        for record, id in list(self._entries):
            found = await self.find(kind, id, organization_id) if record is kind.record else None
            if found is not None and getattr(found, index) == value:
                return found
        return None

    async def consume(
        self, kind: ArtifactKind, id: str, organization_id: str, client_id: str | None = None
    ) -> Artifact | None:
        entry = self._open_to(kind, id, organization_id)
        if entry is None or not is_held_by(entry.artifact, client_id):
            return None
        if entry.consumed:
            raise AlreadyConsumed(entry.artifact)
        entry.consumed = True
        return entry.artifact

    async def delete(self, kind: ArtifactKind, id: str, organization_id: str) -> bool:
        if self._open_to(kind, id, organization_id) is None:
            return False
        del self._entries[kind.record, id]
        return True

    def _open_to(self, kind: ArtifactKind, id: str, organization_id: str) -> _Entry | None:
        check_look_up(kind, organization_id)
        entry = self._living(kind, id)
        if entry is None or not is_open_to(entry.artifact.organization_id, organization_id):
            return None
        return entry

    def _living(self, kind: ArtifactKind, id: str) -> _Entry | None:
        entry = self._entries.get((kind.record, id))
        if entry is not None and entry.expires_at <= self._clock():
            del self._entries[kind.record, id]
            return None
        return entry
