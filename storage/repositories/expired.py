"""What has expired, removed in small batches. Every read judges for itself whether it has."""

from __future__ import annotations

from storage.postgres.statement import Executor

_TABLES = (
    ("artifacts", "id", "expires_at", "0"),
    ("sessions", "id", "expires_at", "1 hour"),
    ("token_families", "id", "expires_at", "1 hour"),
    ("rate_counters", "key", "window_ends_at", "0"),
    ("idempotent_answers", "(actor, key)", "expires_at", "0"),
    ("job_results", "job_id", "expires_at", "0"),
    ("trusted_devices", "id", "expires_at", "0"),
    ("setup_links", "id", "expires_at", "0"),
    ("passkeys", "id", "removed_at", "400 days"),
    ("jobs", "id", "done_at", "7 days"),
    ("jobs", "id", "dead_at", "90 days"),
)
"""Each table with its key, the column that says when a row has expired, and how long it stays then.

An ended session, and the family that a code has founded, have to outlive every code: a later look
finds that it is used up. A passkey that was removed is remembered, so that a browser which still
offers it can be told: for longer than a year, in which most are offered once, if ever again. Nobody
asks for anything else that has expired.
"""


def _delete(table: str, key: str, end: str, kept: str) -> str:
    columns = key.strip("()")  # a row where they are several
    return f"""
        DELETE FROM {table} WHERE {key} IN (
            SELECT {columns} FROM {table} WHERE {end} < now() - interval '{kept}'
            ORDER BY {end} LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        ) RETURNING 1
    """  # noqa: S608


_PURGE = f"""
    WITH {", ".join(f"gone_{n} AS ({_delete(*line)})" for n, line in enumerate(_TABLES))}
    SELECT {" + ".join(f"(SELECT count(*) FROM gone_{n})" for n in range(len(_TABLES)))}
"""  # noqa: S608


class Expired:
    """Expired artifacts, sessions, token families, rate counters, kept answers and results, trusted
    devices, set-up links; passkeys that were removed, and jobs that ended, long ago.
    """

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def purge(self, limit: int = 500) -> int:
        """Delete up to `limit` rows of each line of the table and return how many there were.

        Rows that somebody else has locked are left for the next time: any number of instances
        may purge side by side. One statement for all (idle budget).
        """
        row = await self._pg.fetchrow(_PURGE, {"limit": limit})
        return int(row[0]) if row else 0
