"""Attempts to sign in, counted in the row of the person: what locks them, and what forgives."""

from __future__ import annotations

from storage.models.users import LoginAttempt, User
from storage.postgres.statement import Executor
from storage.repositories import user_sql
from storage.repositories.accounts import decode_user


class LoginAttempts:
    """What is counted in `users`. An id or address of another organization is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def count(
        self, organization_id: str, email: str, *, max_failed: int, now: float, lock_seconds: int
    ) -> LoginAttempt | None:
        """Count an attempt to sign in as the user with this address, before it is judged.

        An automatic lock that is over at `now` (seconds since the epoch) ends first. It lasts
        `lock_seconds`, and twice as long with each failure above `max_failed`, up to an hour; what
        is tried meanwhile is not counted. A day after the first of them all failures are forgotten.
        The attempt that reaches `max_failed`, and each one after it, locks an active user; 0 locks
        nobody. One statement: parallel attempts count one after the other.
        """
        row = await self._pg.fetchrow(
            user_sql.COUNT_ATTEMPT,
            {
                "organization_id": organization_id,
                "email": email,
                "max_failed": max_failed,
                "now": now,
                "lock_seconds": lock_seconds,
            },
        )
        if row is None:
            return None
        user, locked, unlocked = row
        return LoginAttempt(decode_user(user), locked, unlocked)

    async def decrement(self, attempt: LoginAttempt) -> None:
        """Take back an attempt that nobody judged, and the lock that this very one began."""
        if attempt.locked_out:
            return
        user = attempt.user
        await self._pg.execute(
            user_sql.GIVE_BACK_ATTEMPT,
            {
                "id": user.id,
                "organization_id": user.organization_id,
                "locked_at": user.locked_at if attempt.locked else None,
            },
        )

    async def record_login(self, user: User, *, known_browser: bool = False) -> bool:
        """Count a sign-in of somebody who was found as `user`, and reset the attempts before it;
        the row is held from then on. False where they may not sign in, or have another password,
        by now: what they have shown was judged before that.

        Not where it came from a `known_browser`, which has a count of its own: what strangers
        tried is still theirs, or each sign-in of the owner would buy them as much again.
        """
        statement = user_sql.RECORD_KNOWN_LOGIN if known_browser else user_sql.RECORD_LOGIN
        key = {"id": user.id, "organization_id": user.organization_id}
        return await self._pg.execute(statement, key | {"password_hash": user.password_hash}) == 1

    async def reset(self, id: str, organization_id: str) -> None:
        """Begin the count of attempts anew and end an automatic lock; no other one."""
        await self._pg.execute(
            user_sql.FORGIVE_ATTEMPTS, {"id": id, "organization_id": organization_id}
        )

    async def record_failed_login(self, id: str, organization_id: str) -> None:
        """Date the last failure; it was counted as an attempt."""
        await self._pg.execute(
            user_sql.RECORD_FAILED_LOGIN, {"id": id, "organization_id": organization_id}
        )
