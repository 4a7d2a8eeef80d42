"""Write-through cache of artifacts: PostgreSQL remembers, Redis answers: sessions."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from storage.errors import Unreachable
from storage.models.artifact import Artifact
from storage.models.artifacts import ArtifactKind
from storage.redis.breaker import RedisBreaker
from storage.stores import SHORTEST_LIFE, check_look_up
from storage.stores.postgres import PostgresStore
from storage.stores.redis import RedisStore, key_of, pack, unpack

COPY_LIFETIME = 60.0
"""Seconds. No copy outlives this, whatever was missed while Redis was away."""

_TOMBSTONE = b"-\n"
"""Stands where a copy was: a read that began before the end must not bring it back."""

AfterCommit = Callable[[Callable[[], Awaitable[None]]], None]


class RedisOverPostgresStore:
    """Written to PostgreSQL first, then to Redis; read from Redis first.

    Redis being away, restarted or emptied costs a read of PostgreSQL and nothing else.
    """

    def __init__(self, redis: RedisBreaker, remembered: PostgresStore) -> None:
        self._redis = redis
        self._cache = RedisStore(redis)
        self._remembered = remembered

    async def save(self, kind: ArtifactKind, artifact: Artifact, ttl: float) -> None:
        await self._remembered.save(kind, artifact, ttl)
        await self.copy(kind, artifact, ttl)

    async def find(self, kind: ArtifactKind, id: str, organization_id: str) -> Artifact | None:
        check_look_up(kind, organization_id)
        value = await self._read_copy(kind, id)
        if value == _TOMBSTONE:
            return None
        if value is not None:
            found = unpack(kind, id, value, organization_id)
            return None if found is None else found[0]
        remembered = await self._remembered.find_lasting(kind, id, organization_id)
        if remembered is None:
            return None
        artifact, seconds = remembered
        await self._write_copy(kind, id, pack(artifact), seconds, "NX")
        return artifact

    async def find_by(
        self, kind: ArtifactKind, organization_id: str, index: str, value: str
    ) -> Artifact | None:
        """Copies are kept by id only, so this asks PostgreSQL."""
        return await self._remembered.find_by(kind, organization_id, index, value)

    async def consume(
        self, kind: ArtifactKind, id: str, organization_id: str, client_id: str | None = None
    ) -> Artifact | None:
        artifact = await self._remembered.consume(kind, id, organization_id, client_id)
        if artifact is not None or client_id is None:
            await self.evict(kind, id)
        return artifact

    async def delete(self, kind: ArtifactKind, id: str, organization_id: str) -> bool:
        if await self._remembered.delete(kind, id, organization_id):
            await self.evict(kind, id)
            return True
        # Redis may have been away when it ended; its copy, if there is one, is still there.
        with contextlib.suppress(Unreachable):
            await self._cache.delete(kind, id, organization_id)
        return False

    async def copy(self, kind: ArtifactKind, artifact: Artifact, ttl: float) -> None:
        """Put a copy of what PostgreSQL has committed in the place of an older one."""
        await self._write_copy(kind, artifact.id, pack(artifact), ttl)

    async def copy_new(self, kind: ArtifactKind, artifact: Artifact, ttl: float) -> None:
        """The same after its transaction: it may have ended, and been buried, meanwhile."""
        await self._write_copy(kind, artifact.id, pack(artifact), ttl, "NX")

    async def evict(self, kind: ArtifactKind, id: str) -> None:
        """Take away the copy of what has ended in PostgreSQL, for good."""
        key, life = key_of(kind, id), int(COPY_LIFETIME * 1000)
        try:  # Whatever is believed of Redis: another instance may still read there.
            await self._redis.command("SET", key, _TOMBSTONE, "PX", life)
        except Unreachable:
            with contextlib.suppress(Unreachable):  # One that is full still lets go.
                await self._redis.command("DEL", key)

    async def succeed(self, kind: ArtifactKind, old_id: str, new: Artifact, ttl: float) -> None:
        """Bury the copy of `old_id`, and keep one of what PostgreSQL put in its place.

        Not where one was buried meanwhile: what is new may already be old again.
        """
        await self.evict(kind, old_id)
        await self._write_copy(kind, new.id, pack(new), ttl, "NX")

    async def _read_copy(self, kind: ArtifactKind, id: str) -> bytes | None:
        if not self._redis.takes_writes:  # What ended meanwhile may not have been buried.
            return None
        try:
            value: bytes | None = await self._redis.command("GET", key_of(kind, id))
        except Unreachable:
            return None
        return value

    async def _write_copy(
        self, kind: ArtifactKind, id: str, value: bytes, ttl: float, *condition: str
    ) -> None:
        if not self._redis.takes_writes:
            return
        life = int(min(max(ttl, SHORTEST_LIFE), COPY_LIFETIME) * 1000)
        try:
            await self._redis.command("SET", key_of(kind, id), value, "PX", life, *condition)
        except Unreachable:
            return  # PostgreSQL has it; an older copy dies within COPY_LIFETIME.


class InTransaction:
    """The same on the connection of a transaction: nothing is copied before it commits."""

    def __init__(
        self,
        remembered: PostgresStore,
        cache: RedisOverPostgresStore,
        after_commit: AfterCommit,
    ) -> None:
        self._remembered = remembered
        self._cache = cache
        self._after_commit = after_commit

    async def save(self, kind: ArtifactKind, artifact: Artifact, ttl: float) -> None:
        await self._remembered.save(kind, artifact, ttl)
        self._after_commit(partial(self._cache.copy_new, kind, artifact, ttl))

    async def find(self, kind: ArtifactKind, id: str, organization_id: str) -> Artifact | None:
        return await self._remembered.find(kind, id, organization_id)

    async def find_by(
        self, kind: ArtifactKind, organization_id: str, index: str, value: str
    ) -> Artifact | None:
        return await self._remembered.find_by(kind, organization_id, index, value)

    async def consume(
        self, kind: ArtifactKind, id: str, organization_id: str, client_id: str | None = None
    ) -> Artifact | None:
        artifact = await self._remembered.consume(kind, id, organization_id, client_id)
        if artifact is not None or client_id is None:
            self._after_commit(partial(self._cache.evict, kind, id))
        return artifact

    async def delete(self, kind: ArtifactKind, id: str, organization_id: str) -> bool:
        found = await self._remembered.delete(kind, id, organization_id)
        if found:
            self._after_commit(partial(self._cache.evict, kind, id))
        return found
