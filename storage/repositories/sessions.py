"""Sessions: held while a sign-in decides what becomes of them, and noted as used."""

from __future__ import annotations

from typing import cast

from storage.models.artifacts import ARTIFACTS, Session
from storage.postgres.statement import Executor, Statement
from storage.stores import decode, encode

# A statement of its own: the one that reads has to see what those before us have committed.
_QUEUE = "SELECT pg_advisory_xact_lock(hashtextextended(%(browser)s, 24))"
_HOLD = """
    SELECT id, payload FROM sessions
    WHERE uid = ANY(porta_sessions_of(%(organization_id)s::uuid, %(browser)s))
        AND (organization_id = %(organization_id)s) IS TRUE
        AND expires_at > now() AND consumed_at IS NULL
    ORDER BY id FOR UPDATE
"""
# The row stays and gets another key. One that was deleted, and another that was added, would be
# missed by an end of the session that waited for the first: it does not see the second.
_REPLACE = """
    UPDATE sessions SET id = %(id)s, payload = %(payload)s, used_at = now(),
        expires_at = now() + make_interval(secs => %(ttl)s::float8)
    WHERE id = %(old_id)s AND organization_id = %(organization_id)s
"""
# A compare-and-swap: whoever waits here for an end, or for a sign-in that puts another key in its
# place, finds no such row afterwards. The end that the record names is never put off.
_NOTE_USE = Statement(
    "note_session_use",
    """
    UPDATE sessions SET used_at = now(), expires_at = LEAST(
        to_timestamp((payload ->> 'expires_at')::float8),
        now() + make_interval(secs => %(idle_ttl)s::float8))
    WHERE id = %(id)s AND (organization_id = %(organization_id)s) IS TRUE
        AND consumed_at IS NULL AND expires_at > now()
        AND used_at > now() - make_interval(secs => %(idle_ttl)s::float8)
        AND used_at <= now() - make_interval(secs => %(interval)s::float8)
    """,
)


class Sessions:
    """The table `sessions`, while a sign-in decides and when one is used; else they are artifacts.

    A row expires where its session ends or, when nobody uses it until then, its idle limit: so
    every look-up and the purge see one time only.
    """

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_for_update(self, browser: str, organization_id: str) -> list[Session]:
        """Return the living sessions of a browser, by the digest of its secret, and hold them.

        Until the end of the transaction no other opens one in this browser.
        """
        named = {"browser": browser, "organization_id": organization_id}
        await self._pg.fetchrow(_QUEUE, named)
        rows = await self._pg.fetch(_HOLD, named)
        # The table names the record.
        kind = ARTIFACTS[Session]
        return [cast(Session, decode(kind, id, payload.encode())) for id, payload in rows]

    async def replace(self, old: Session, new: Session, ttl: float) -> None:
        """Put `new` in the place of `old`, which is held, for `ttl` seconds."""
        await self._pg.execute(
            _REPLACE,
            {
                "old_id": old.id,
                "organization_id": old.organization_id,
                "id": new.id,
                "payload": encode(new).decode(),
                "ttl": ttl,
            },
        )

    async def note_use(
        self, id: str, organization_id: str, *, idle_ttl: float, interval: float
    ) -> bool:
        """Note that the session is used, unless that was done less than `interval` seconds ago.

        It then lives for `idle_ttl` seconds, and never longer than its record says. One that is
        over (ended, expired, replaced, not used for `idle_ttl`) stays so. Tells whether it was
        noted.
        """
        return (
            await self._pg.execute(
                _NOTE_USE,
                {
                    "id": id,
                    "organization_id": organization_id,
                    "idle_ttl": idle_ttl,
                    "interval": interval,
                },
            )
            > 0
        )
