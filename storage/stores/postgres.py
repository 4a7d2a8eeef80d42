"""Artifacts in PostgreSQL: one row each, consumed by one UPDATE."""

# ruff: noqa: S608 -- tables and columns are those that ARTIFACTS names, never a caller's.

from __future__ import annotations

from functools import cache

from storage.errors import AlreadyConsumed, Contended, StorageError
from storage.models.artifact import Artifact
from storage.models.artifacts import ANY_ORGANIZATION, ArtifactKind
from storage.postgres.statement import Executor, Statement
from storage.stores import (
    MOST_AMENDMENTS,
    SHORTEST_LIFE,
    Change,
    check_index,
    check_look_up,
    decode,
    encode,
    refusal,
)

COLUMNS = ("grant_id", "family_id", "uid", "user_code", "account_id", "client_id")
"""Fields that stand beside the payload, in records that have them, to be found by."""

# A row another organization holds, or of another kind, is as good as none.
_OWN = """id = %(id)s AND kind = %(kind)s
  AND (%(organization_id)s::uuid IS NULL OR organization_id = %(organization_id)s::uuid)"""
_HELD = "(%(client_id)s::text IS NULL OR client_id = %(client_id)s)"
_LIVING = f"{_OWN} AND expires_at > now()"
_FAMILY_ALIVE = """
  AND EXISTS (SELECT FROM token_families AS f WHERE f.id = family_id
    AND f.revoked_at IS NULL AND f.expires_at > now())"""


class PostgresStore:
    """Artifacts on the pool, or on the connection of a transaction. Its clock decides expiry."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def save(self, kind: ArtifactKind, artifact: Artifact, ttl: float) -> None:
        row = {**_row(kind, artifact, ttl), "created_once": kind.created_once}
        if not await self._executor.execute(_statements(kind).save, row):
            raise await self._refusal(kind, artifact)

    async def amend(self, kind: ArtifactKind, known: Artifact, change: Change) -> Artifact | None:
        statements, value = _statements(kind), encode(known).decode()
        key = _key(kind, known.id, known.organization_id)
        for _ in range(MOST_AMENDMENTS):
            new, ttl = change(known)
            row = {**_row(kind, new, ttl), "known": value}
            if await self._executor.execute(statements.amend, row):
                return new
            standing = await self._executor.fetchrow(statements.find_amended, key)
            if standing is None:
                return None
            value, consumed = standing
            known = decode(kind, known.id, value.encode())
            if consumed:
                raise AlreadyConsumed(known)
        raise Contended(f"others are always first to change this {kind.record.__name__}")

    async def find(self, kind: ArtifactKind, id: str, organization_id: str) -> Artifact | None:
        found = await self.find_lasting(kind, id, organization_id)
        return None if found is None else found[0]

    async def find_lasting(
        self, kind: ArtifactKind, id: str, organization_id: str
    ) -> tuple[Artifact, float] | None:
        """The same with the seconds it still has to live."""
        key = _key(kind, id, organization_id)
        row = await self._of(organization_id).fetchrow(_statements(kind).find, key)
        return None if row is None else (decode(kind, id, row[0].encode()), row[1])

    async def find_by(
        self, kind: ArtifactKind, organization_id: str, index: str, value: str
    ) -> Artifact | None:
        check_index(kind, index)
        key = {**_key(kind, "", organization_id), "value": value}
        row = await self._executor.fetchrow(_select_by(kind, index), key)
        return None if row is None else decode(kind, row[0], row[1].encode())

    async def consume(
        self, kind: ArtifactKind, id: str, organization_id: str, client_id: str | None = None
    ) -> Artifact | None:
        key = {**_key(kind, id, organization_id), "client_id": client_id}
        executor = self._of(organization_id)
        row = await executor.fetchrow(_statements(kind).consume, key)
        if row is not None:
            return decode(kind, id, row[0].encode())
        consumed = await executor.fetchrow(_statements(kind).find_consumed, key)
        if consumed is None:
            return None
        raise AlreadyConsumed(decode(kind, id, consumed[0].encode()))

    async def delete(self, kind: ArtifactKind, id: str, organization_id: str) -> bool:
        key = _key(kind, id, organization_id)
        return await self._executor.execute(_statements(kind).delete, key) > 0

    def _of(self, organization_id: str) -> Executor:
        """Whose rows are looked at: `check_look_up` says what alone is looked for among all."""
        return self._executor.everywhere if organization_id == ANY_ORGANIZATION else self._executor

    async def _refusal(self, kind: ArtifactKind, artifact: Artifact) -> StorageError:
        key = _key(kind, artifact.id, artifact.organization_id)
        row = await self._executor.fetchrow(_statements(kind).find_standing, key)
        standing = None if row is None else decode(kind, artifact.id, row[0].encode())
        return refusal(kind, artifact, standing)


class _Statements:
    """What is said to PostgreSQL about one kind."""

    def __init__(self, kind: ArtifactKind) -> None:
        name, table = kind.record.__name__, kind.table
        alive = _LIVING + (_FAMILY_ALIVE if "family_id" in kind.record.__struct_fields__ else "")
        seconds = "EXTRACT(EPOCH FROM expires_at - now())::float8"
        self.save = _save(table)
        self.find = Statement(
            f"find_{name}",
            f"SELECT payload, {seconds} FROM {table} WHERE {alive} AND consumed_at IS NULL",
        )
        self.consume = Statement(
            f"consume_{name}",
            f"UPDATE {table} SET consumed_at = now() "
            f"WHERE {alive} AND {_HELD} AND consumed_at IS NULL RETURNING payload",
        )
        self.amend = f"""
            UPDATE {table} SET {", ".join(f"{each} = %({each})s" for each in COLUMNS)},
                payload = %(payload)s, expires_at = now() + make_interval(secs => %(ttl)s::float8)
            WHERE {_LIVING} AND consumed_at IS NULL AND payload::text = %(known)s
        """
        self.find_amended = f"SELECT payload, consumed_at IS NOT NULL FROM {table} WHERE {_LIVING}"
        self.find_standing = f"SELECT payload FROM {table} WHERE {_OWN}"
        self.find_consumed = (
            f"SELECT payload FROM {table} WHERE {_LIVING} AND {_HELD} AND consumed_at IS NOT NULL"
        )
        self.delete = f"DELETE FROM {table} WHERE {_LIVING}"


_statements = cache(_Statements)


@cache
def _save(table: str) -> Statement:
    columns = ", ".join(COLUMNS)
    values = ", ".join(f"%({column})s" for column in COLUMNS)
    replaced = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS)
    sql = f"""
INSERT INTO {table} AS old (id, kind, organization_id, payload, expires_at, {columns})
VALUES (%(id)s, %(kind)s, %(organization_id)s, %(payload)s,
  now() + make_interval(secs => %(ttl)s::float8), {values})
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, organization_id = excluded.organization_id,
  payload = excluded.payload, expires_at = excluded.expires_at, {replaced}
WHERE old.consumed_at IS NULL AND (old.expires_at <= now() OR (NOT %(created_once)s::bool
  AND (old.kind, old.organization_id) = (excluded.kind, excluded.organization_id)))
"""
    return Statement(f"save_{table}", sql)


@cache
def _select_by(kind: ArtifactKind, index: str) -> str:
    return f"""
SELECT id, payload FROM {kind.table} WHERE {index} = %(value)s AND kind = %(kind)s
  AND organization_id = %(organization_id)s::uuid AND expires_at > now() AND consumed_at IS NULL
"""


def _row(kind: ArtifactKind, artifact: Artifact, ttl: float) -> dict[str, object]:
    return {
        **_key(kind, artifact.id, artifact.organization_id),
        **{column: getattr(artifact, column, None) for column in COLUMNS},
        "payload": encode(artifact).decode(),
        "ttl": max(ttl, SHORTEST_LIFE),
    }


def _key(kind: ArtifactKind, id: str, organization_id: str) -> dict[str, object]:
    check_look_up(kind, organization_id)
    owner = None if organization_id == ANY_ORGANIZATION else organization_id
    return {"id": id, "kind": kind.record.__name__, "organization_id": owner}
