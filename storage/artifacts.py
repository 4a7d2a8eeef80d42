"""The artifacts, each routed to the store that ARTIFACTS names for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from storage.models.artifacts import ARTIFACTS, Artifact, Store, artifact_id
from storage.stores import ArtifactStore

A = TypeVar("A", bound=Artifact)


class Artifacts:
    """Look-ups take the value that was presented, and find what was saved under its digest.

    Every one names its organization: what belongs to another is not there. Where the store does
    not answer: Unreachable.
    """

    def __init__(self, stores: Mapping[Store, ArtifactStore]) -> None:
        self._stores = stores

    async def save(self, artifact: Artifact, ttl: float) -> None:
        """Keep `artifact` for `ttl` seconds, in the place of what had its id.

        Raises AlreadyConsumed where that was consumed, or where saving is the use (a replay mark);
        AlreadyExists where the id is another organization's.
        """
        kind = ARTIFACTS[type(artifact)]
        await self._stores[kind.store].save(kind, artifact, ttl)

    async def find(self, record: type[A], value: str, organization_id: str) -> A | None:
        """Return the artifact, or None when it is absent, expired, consumed or another's."""
        kind = ARTIFACTS[record]
        store = self._stores[kind.store]
        return _typed(record, await store.find(kind, artifact_id(value), organization_id))

    async def find_by(self, record: type[A], organization_id: str, **index: str) -> A | None:
        """The same by one further index that ARTIFACTS declares: `uid=...`."""
        ((name, value),) = index.items()
        kind = ARTIFACTS[record]
        store = self._stores[kind.store]
        return _typed(record, await store.find_by(kind, organization_id, name, value))

    async def consume(
        self, record: type[A], value: str, organization_id: str, *, client_id: str | None = None
    ) -> A | None:
        """Return the artifact to one caller ever; to later ones AlreadyConsumed carries it.

        What a client has to bring names its `client_id`: another client's is not there for it, and
        stays unharmed.
        """
        kind = ARTIFACTS[record]
        store = self._stores[kind.store]
        found = await store.consume(kind, artifact_id(value), organization_id, client_id)
        return _typed(record, found)

    async def delete(self, artifact: Artifact) -> bool:
        """Forget the artifact; tell whether it was there."""
        kind = ARTIFACTS[type(artifact)]
        store = self._stores[kind.store]
        return await store.delete(kind, artifact.id, artifact.organization_id)


def _typed(record: type[A], found: Artifact | None) -> A | None:
    assert found is None or isinstance(found, record)
    return found
