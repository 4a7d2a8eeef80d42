"""Sessions, held while a sign-in decides what becomes of them."""

from __future__ import annotations

from typing import cast

from storage.models.artifacts import ARTIFACTS, Session
from storage.statement import Executor
from storage.stores import decode, encode

_HOLD = """
    SELECT id, payload FROM sessions
    WHERE uid = %(uid)s AND organization_id = %(organization_id)s
        AND expires_at > now() AND consumed_at IS NULL
    FOR UPDATE
"""
# The row stays and gets another key. One that was deleted, and another that was added, would be
# missed by an end of the session that waited for the first: it does not see the second.
_REPLACE = """
    UPDATE sessions SET id = %(id)s, payload = %(payload)s,
        expires_at = now() + make_interval(secs => %(ttl)s::float8)
    WHERE id = %(old_id)s AND organization_id = %(organization_id)s
"""


class Sessions:
    """The table `sessions`, within a transaction; elsewhere they are artifacts."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def hold(self, uid: str, organization_id: str) -> Session | None:
        """Return the living session of this uid, and hold it until the end of the transaction."""
        row = await self._pg.fetchrow(_HOLD, {"uid": uid, "organization_id": organization_id})
        if row is None:
            return None
        id, payload = row
        # The table names the record.
        return cast(Session, decode(ARTIFACTS[Session], id, payload.encode()))

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
