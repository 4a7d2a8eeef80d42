"""Tokens that travel by mail: stored as digests, for one use."""

from __future__ import annotations

from storage.postgres.statement import Executor


class AuthTokens:
    """Who sends what travels by mail."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_address(self, user_id: str) -> str | None:
        """Return the address of who invites, of whatever organization."""
        row = await self._pg.fetchrow(
            "SELECT email::text FROM users WHERE id = %(user_id)s::uuid", {"user_id": user_id}
        )
        return str(row[0]) if row else None
