"""Artifact router: each artifact to the store that ARTIFACTS, or its own value, names for it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from storage.errors import Unreachable
from storage.models.artifact import Artifact, Home, Routed, artifact_id, home_of, new_value
from storage.models.artifacts import ARTIFACTS, ArtifactKind, Store
from storage.stores import AmendingStore, ArtifactStore

A = TypeVar("A", bound=Artifact)
R = TypeVar("R", bound=Routed)


class Artifacts:
    """Look-ups take the value that was presented, and find what was saved under its digest.

    Every one names its organization: what belongs to another is not there. Where the store does
    not answer: Unreachable.
    """

    def __init__(
        self,
        stores: Mapping[Store, ArtifactStore],
        homes: Mapping[Home, AmendingStore],
        takes_writes: Callable[[], bool],
    ) -> None:
        """`takes_writes` tells whether it is worth a try to keep something new in Redis."""
        self._stores = stores
        self._homes = homes
        self._takes_writes = takes_writes

    async def create(self, make: Callable[..., Routed], ttl: float) -> str:
        """Keep what `make(id=..., home=...)` builds for `ttl` seconds; return its new value.

        In Redis, or in PostgreSQL while Redis takes no writes. What a silent Redis may have kept
        all the same has a value that nobody knows.
        """
        if self._takes_writes():
            with contextlib.suppress(Unreachable):
                return await self._create(Home.REDIS, make, ttl)
        return await self._create(Home.POSTGRES, make, ttl)

    async def _create(self, home: Home, make: Callable[..., Routed], ttl: float) -> str:
        value = new_value(home)
        artifact = make(id=artifact_id(value), home=home)
        await self._homes[home].save(ARTIFACTS[type(artifact)], artifact, ttl)
        return value

    async def save(self, artifact: Artifact, ttl: float) -> None:
        """Keep `artifact` for `ttl` seconds, in the place of what had its id.

        Raises AlreadyConsumed where that was consumed, or where saving is the use (a replay mark);
        AlreadyExists where the id is another organization's; ValueError for a routed one that
        `create` did not make.
        """
        kind = ARTIFACTS[type(artifact)]
        await self._holder(kind, artifact).save(kind, artifact, ttl)

    async def amend(self, known: R, change: Callable[[R], tuple[R, float]]) -> R | None:
        """Keep what `change` makes of the artifact, and the seconds it says; return it.

        It is made of `known`, or of what another request has made of that since. None where it is
        gone; raises AlreadyConsumed where it was consumed, Contended where others are always first.
        """
        kind, record = ARTIFACTS[type(known)], type(known)

        def changed(standing: Artifact) -> tuple[Artifact, float]:
            typed = _typed(record, standing)
            assert typed is not None
            return change(typed)

        assert known.home is not None, "what was found has one"
        return _typed(record, await self._homes[known.home].amend(kind, known, changed))

    async def find(self, record: type[A], value: str, organization_id: str) -> A | None:
        """Return the artifact, or None when it is absent, expired, consumed or another's."""
        kind = ARTIFACTS[record]
        store = self._named(kind, value)
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
        store = self._named(kind, value)
        found = await store.consume(kind, artifact_id(value), organization_id, client_id)
        return _typed(record, found)

    async def delete(self, artifact: Artifact) -> bool:
        """Forget the artifact; tell whether it was there."""
        kind = ARTIFACTS[type(artifact)]
        return await self._holder(kind, artifact).delete(
            kind, artifact.id, artifact.organization_id
        )

    def _named(self, kind: ArtifactKind, value: str) -> ArtifactStore:
        """Whatever is believed of Redis now: where a value is used up is decided in one place."""
        if kind.store is Store.REDIS_OR_POSTGRES:
            return self._homes[home_of(value)]
        return self._stores[kind.store]

    def _holder(self, kind: ArtifactKind, artifact: Artifact) -> ArtifactStore:
        if not isinstance(artifact, Routed):
            return self._stores[kind.store]
        if artifact.home is None:
            raise ValueError(f"create() makes a new {kind.record.__name__}, and its value")
        return self._homes[artifact.home]


def _typed(record: type[A], found: Artifact | None) -> A | None:
    if isinstance(found, Routed) and found.home is None:  # of a version that knew Redis only
        found = msgspec.structs.replace(found, home=Home.REDIS)
    assert found is None or isinstance(found, record)
    return found
