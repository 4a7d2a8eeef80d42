"""Answers kept by idempotency key, for whoever sends a request a second time."""

from __future__ import annotations

from storage.postgres.statement import Executor

# The key is held until the end of the transaction: two requests with it never run side by side.
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(actor)s || ' ' || %(key)s, 28))"
_FIND = """
    SELECT fingerprint, answer FROM idempotent_answers
    WHERE actor = %(actor)s AND key = %(key)s AND expires_at > now()
"""
_KEEP = """
    INSERT INTO idempotent_answers (actor, key, fingerprint, answer, expires_at)
    VALUES (%(actor)s, %(key)s, %(fingerprint)s, %(answer)s,
        now() + make_interval(secs => %(ttl)s::float8))
    ON CONFLICT (actor, key) DO UPDATE SET
        fingerprint = EXCLUDED.fingerprint, answer = EXCLUDED.answer,
        expires_at = EXCLUDED.expires_at
"""


class IdempotentAnswers:
    """The table `idempotent_answers`; to be used in a transaction."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def try_lock(self, actor: str, key: str) -> bool:
        """Whether this transaction alone has the key of this actor until it ends; never waits."""
        row = await self._pg.fetchrow(_TRY_LOCK, {"actor": actor, "key": key})
        assert row is not None
        return bool(row[0])

    async def find(self, actor: str, key: str) -> tuple[str, str] | None:
        """Return fingerprint and answer of what this actor sent with this key before."""
        row = await self._pg.fetchrow(_FIND, {"actor": actor, "key": key})
        return (row[0], row[1]) if row else None

    async def keep(self, actor: str, key: str, fingerprint: str, answer: str, ttl: float) -> None:
        """Keep an answer for `ttl` seconds."""
        await self._pg.execute(
            _KEEP,
            {"actor": actor, "key": key, "fingerprint": fingerprint, "answer": answer, "ttl": ttl},
        )
