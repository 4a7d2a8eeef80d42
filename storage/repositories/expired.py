"""What has expired, removed in small batches. Every read judges for itself whether it has."""

from __future__ import annotations

from storage.statement import Executor

_TABLES = {
    "artifacts": ("id", "expires_at"),
    "sessions": ("id", "expires_at"),
    "token_families": ("id", "expires_at"),
    "rate_counters": ("key", "window_ends_at"),
}
"""The key of each table, and the column that says when a row has expired."""
_KEPT = "interval '1 hour'"
"""An ended session has to outlive the codes issued in it."""


class Expired:
    """Expired artifacts, sessions, token families and rate counters."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def purge(self, limit: int = 500) -> int:
        """Delete up to `limit` rows of each table and return how many there were.

        Rows that somebody else has locked are left for the next time: any number of instances
        may purge side by side.
        """
        purged = 0
        for table, (key, end) in _TABLES.items():
            purged += await self._pg.execute(
                f"""
                DELETE FROM {table} WHERE {key} IN (
                    SELECT {key} FROM {table} WHERE {end} < now() - {_KEPT}
                    ORDER BY {end} LIMIT %(limit)s FOR UPDATE SKIP LOCKED
                )
                """,  # noqa: S608
                {"limit": limit},
            )
        return purged
