"""Tokens that travel by mail: stored as digests, for one use."""

from __future__ import annotations

from storage.postgres.statement import Executor

# The person's row is held: of two who invite at once the second finds what the first has made.
_HOLD = """
    SELECT (
        SELECT count(*) FROM invitation_tokens
        WHERE user_id = u.id AND created_at > now() - make_interval(secs => %(within)s)
    )
    FROM users u WHERE u.id = %(user_id)s FOR NO KEY UPDATE
"""
_INVITE = """
    WITH earlier AS (
        UPDATE invitation_tokens SET used_at = now()
        WHERE user_id = %(user_id)s AND used_at IS NULL
    )
    INSERT INTO invitation_tokens (user_id, token_hash, expires_at, invited_by)
    VALUES (
        %(user_id)s, %(token_hash)s, now() + make_interval(secs => %(ttl)s),
        (SELECT id FROM users WHERE id = %(invited_by)s::uuid)
    )
    RETURNING EXTRACT(EPOCH FROM expires_at)::float8
"""


class AuthTokens:
    """The table `invitation_tokens`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_address(self, user_id: str) -> str | None:
        """Return the address of who invites, of whatever organization."""
        row = await self._pg.fetchrow(
            "SELECT email::text FROM users WHERE id = %(user_id)s::uuid", {"user_id": user_id}
        )
        return str(row[0]) if row else None

    async def count_invitations(self, user_id: str, within: float) -> int:
        """Return how many invitations a person got in the last `within` seconds, and hold the
        person until the end of the transaction.
        """
        row = await self._pg.fetchrow(_HOLD, {"user_id": user_id, "within": within})
        return int(row[0]) if row else 0

    async def invite(
        self, user_id: str, token_hash: str, ttl: float, invited_by: str | None
    ) -> float:
        """Store an invitation for `ttl` seconds, and end all earlier ones; return when it ends."""
        row = await self._pg.fetchrow(
            _INVITE,
            {"user_id": user_id, "token_hash": token_hash, "ttl": ttl, "invited_by": invited_by},
        )
        assert row is not None, "an insert returns its row"
        return float(row[0])
