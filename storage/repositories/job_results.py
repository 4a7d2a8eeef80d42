"""What a job made for whoever asked for it, kept for a time."""

from __future__ import annotations

from storage.postgres.statement import Executor


class JobResults:
    """The table `job_results`; a result is sealed by who writes it."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def expect(self, job_id: int, owner: str, ttl: float) -> None:
        """Note whose job it is, in the transaction that enqueues it; for `ttl` seconds."""
        await self._pg.execute(
            """
            INSERT INTO job_results (job_id, owner, expires_at)
            VALUES (%(id)s, %(owner)s, now() + make_interval(secs => %(ttl)s))
            """,
            {"id": job_id, "owner": owner, "ttl": ttl},
        )

    async def keep(self, job_id: int, result: str, ttl: float) -> None:
        """Keep what the job made, for `ttl` seconds from now on."""
        await self._pg.execute(
            """
            UPDATE job_results
            SET result = %(result)s, expires_at = now() + make_interval(secs => %(ttl)s)
            WHERE job_id = %(id)s
            """,
            {"id": job_id, "result": result, "ttl": ttl},
        )

    async def find(self, job_id: int, owner: str) -> tuple[str | None] | None:
        """Return the result of a job of this owner; None where there is no such job, and in it
        None while nothing is made.
        """
        row = await self._pg.fetchrow(
            """
            SELECT result FROM job_results
            WHERE job_id = %(id)s AND owner = %(owner)s AND expires_at > now()
            """,
            {"id": job_id, "owner": owner},
        )
        return (row[0],) if row else None
