"""People: found, counted, locked and unlocked. They are read fresh on every request."""

from __future__ import annotations

from typing import cast

import msgspec

from storage.models.artifacts import ARTIFACTS, Grant, Session
from storage.models.users import AUTO_LOCKOUT, AccountFacts, LoginAttempt, User
from storage.repositories.accounts import STANDS, USER, decode_facts, decode_user, facts
from storage.statement import Executor, Parameters, Statement
from storage.stores import decode

_GRANT = ARTIFACTS[Grant]
_COUNTED = ("locked_at", "locked_reason", "failed_login_count", "updated_at")
_ELSEWHERE = (
    "id",
    "organization_id",
    "email",
    "password_hash",
    "status",
    "two_factor_enabled",
    *_COUNTED,
)
PROFILE = tuple(name for name in User.__struct_fields__ if name not in _ELSEWHERE)
"""The fields of a user that `update_profile` writes."""
# (x = y) IS TRUE is served by no index. A plan made while a table is small, and kept, would rather
# read all users of an organization, or all grants, than look for one by its id.
_OF_ORGANIZATION = "(u.organization_id = %(organization_id)s) IS TRUE"
_AUTO_LOCKED = f"(u.status = 'locked' AND u.locked_reason = '{AUTO_LOCKOUT}') IS TRUE"
_FORGIVEN = f"""
    failed_login_count = 0,
    status = CASE WHEN {_AUTO_LOCKED} THEN 'active' ELSE u.status END,
    locked_at = CASE WHEN {_AUTO_LOCKED} THEN NULL ELSE u.locked_at END,
    locked_reason = CASE WHEN {_AUTO_LOCKED} THEN NULL ELSE u.locked_reason END
"""

_FIND_BY_ID = Statement(
    "find_user_by_id",
    f"""
    SELECT {USER} FROM users u
    WHERE u.id = %(id)s AND {_OF_ORGANIZATION}
    """,  # noqa: S608
)
_FACTS = Statement(
    "account_facts",
    f"""
    SELECT {facts("%(application_id)s::uuid")} FROM users u
    WHERE u.id = %(id)s AND {_OF_ORGANIZATION}
    """,  # noqa: S608
)
_STANDING = Statement(
    "account_standing",
    f"""
    SELECT u.id IS NOT NULL AND {STANDS}, g.payload
    FROM sessions s
    LEFT JOIN users u ON u.id = s.account_id AND (u.organization_id = s.organization_id) IS TRUE
    LEFT JOIN artifacts g ON g.id = %(grant_id)s AND (g.kind = 'Grant') IS TRUE
        AND g.organization_id = u.organization_id AND g.account_id = u.id
        AND g.expires_at > now() AND g.consumed_at IS NULL
    WHERE s.id = %(session_id)s AND (s.organization_id = %(organization_id)s) IS TRUE
        AND s.expires_at > now() AND s.consumed_at IS NULL
    """,  # noqa: S608
)
# Whoever comes second waits for the row, and sees what the first made of it. Not prepared: a plan
# that was made while the table is small, and kept, would read all users of an organization.
_COUNT_ATTEMPT = f"""
    WITH found AS (
        SELECT u.id, u.status, u.failed_login_count,
            {_AUTO_LOCKED}
                AND COALESCE(u.locked_at, '-infinity') <= to_timestamp(%(due)s::float8) AS unlocked
        FROM users u
        WHERE u.organization_id = %(organization_id)s AND u.email = %(email)s
        FOR UPDATE
    ), counted AS (
        SELECT id, unlocked, status = 'active' OR unlocked AS open,
            CASE WHEN unlocked THEN 1 ELSE failed_login_count + 1 END AS attempts
        FROM found
    ), judged AS (
        SELECT id, unlocked, attempts,
            open AND %(max_failed)s::int > 0 AND attempts >= %(max_failed)s::int AS locked
        FROM counted
    )
    UPDATE users u SET
        failed_login_count = j.attempts,
        status = CASE WHEN j.locked THEN 'locked' WHEN j.unlocked THEN 'active' ELSE u.status END,
        locked_at = CASE WHEN j.locked THEN now() WHEN j.unlocked THEN NULL ELSE u.locked_at END,
        locked_reason = CASE WHEN j.locked THEN '{AUTO_LOCKOUT}' WHEN j.unlocked THEN NULL
            ELSE u.locked_reason END
    FROM judged j
    WHERE u.id = j.id
    RETURNING {USER}, j.locked, j.unlocked
"""  # noqa: S608
_RECORD_LOGIN = Statement(
    "record_login",
    f"""
    UPDATE users u SET last_login_at = now(), login_count = login_count + 1, {_FORGIVEN}
    WHERE u.id = %(id)s AND {_OF_ORGANIZATION}
    """,  # noqa: S608
)
_FORGIVE_ATTEMPTS = Statement(
    "forgive_login_attempts",
    f"""
    UPDATE users u SET {_FORGIVEN}
    WHERE u.id = %(id)s AND {_OF_ORGANIZATION}
    """,  # noqa: S608
)
_RECORD_FAILED_LOGIN = Statement(
    "record_failed_login",
    f"""
    UPDATE users u SET last_failed_login_at = now()
    WHERE u.id = %(id)s AND {_OF_ORGANIZATION}
    """,  # noqa: S608
)


class Users:
    """The table `users`. An id or address of another organization is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_by_email(self, organization_id: str, email: str) -> User | None:
        """Return the user with this address, whatever the status; letter case is ignored."""
        return await self._user(
            f"""
            SELECT {USER} FROM users u
            WHERE u.organization_id = %(organization_id)s AND u.email = %(email)s
            """,  # noqa: S608
            {"organization_id": organization_id, "email": email},
        )

    async def find_by_id(self, id: str, organization_id: str) -> User | None:
        """Return the user, whatever the status."""
        return await self._user(_FIND_BY_ID, {"id": id, "organization_id": organization_id})

    async def facts(
        self, id: str, organization_id: str, application_id: str
    ) -> AccountFacts | None:
        """Return the user, whatever the status, with roles, permissions and claim values at one
        application.
        """
        row = await self._pg.fetchrow(
            _FACTS,
            {"id": id, "organization_id": organization_id, "application_id": application_id},
        )
        return decode_facts(row[0]) if row else None

    async def standing(self, session: Session, grant_id: str) -> tuple[bool, Grant | None] | None:
        """Return whether the session's user stands, and the living grant of this id, if any.

        None when the session has ended: where it was found, that may be yet to be known.
        """
        row = await self._pg.fetchrow(
            _STANDING,
            {
                "session_id": session.id,
                "organization_id": session.organization_id,
                "grant_id": grant_id,
            },
        )
        if row is None:
            return None
        stands, payload = row
        grant = decode(_GRANT, grant_id, payload.encode()) if payload else None
        return stands, cast(Grant | None, grant)  # the kind names the record

    async def insert(self, user: User) -> None:
        """Add a user; AlreadyExists when the organization has one with this address."""
        names = [name for name in User.__struct_fields__ if name not in _COUNTED]
        values = ", ".join(f"%({name})s" for name in names)
        await self._pg.execute(
            f"INSERT INTO users ({', '.join(names)}) VALUES ({values})",  # noqa: S608
            msgspec.structs.asdict(user),
        )

    async def count_attempt(
        self, organization_id: str, email: str, *, max_failed: int, due: float
    ) -> LoginAttempt | None:
        """Count an attempt to sign in as the user with this address, before it is judged.

        An automatic lock set at `due` (seconds since the epoch) or earlier ends first, and the
        count begins anew. The attempt that reaches `max_failed` locks an active user; 0 locks
        nobody. One statement: parallel attempts count one after the other.
        """
        row = await self._pg.fetchrow(
            _COUNT_ATTEMPT,
            {
                "organization_id": organization_id,
                "email": email,
                "max_failed": max_failed,
                "due": due,
            },
        )
        if row is None:
            return None
        user, locked, unlocked = row
        return LoginAttempt(decode_user(user), locked, unlocked)

    async def record_login(self, id: str, organization_id: str) -> None:
        """Count a sign-in, and forgive the attempts before it."""
        await self._pg.execute(_RECORD_LOGIN, {"id": id, "organization_id": organization_id})

    async def forgive_attempts(self, id: str, organization_id: str) -> None:
        """Begin the count of attempts anew and end an automatic lock; no other one."""
        await self._pg.execute(_FORGIVE_ATTEMPTS, {"id": id, "organization_id": organization_id})

    async def record_failed_login(self, id: str, organization_id: str) -> None:
        """Date the last failure; it was counted as an attempt."""
        await self._pg.execute(_RECORD_FAILED_LOGIN, {"id": id, "organization_id": organization_id})

    async def set_password_hash(
        self, id: str, organization_id: str, password_hash: str, *, expected: str | None
    ) -> bool:
        """Replace the hash of the same password, unless it is no longer the one `expected`.

        Tells whether it was replaced. Not for a new password: when it changed is not dated.
        """
        touched = await self._pg.execute(
            """
            UPDATE users SET password_hash = %(hash)s
            WHERE id = %(id)s AND organization_id = %(organization_id)s
                AND password_hash IS NOT DISTINCT FROM %(expected)s
            """,
            {
                "id": id,
                "organization_id": organization_id,
                "hash": password_hash,
                "expected": expected,
            },
        )
        return touched == 1

    async def update_profile(self, user: User) -> None:
        """Write everything but ids, address, password, and what a status is made of."""
        names = ", ".join(f"{name} = %({name})s" for name in PROFILE)
        await self._pg.execute(
            f"""
            UPDATE users SET {names}
            WHERE id = %(id)s AND organization_id = %(organization_id)s
            """,  # noqa: S608
            msgspec.structs.asdict(user),
        )

    async def set_status(
        self,
        id: str,
        organization_id: str,
        status: str,
        *,
        expected: str,
        reason: str | None = None,
    ) -> bool:
        """Change the status if it is `expected`; tell whether it was.

        A lock is dated and keeps its `reason`; any other status has neither, nor failures to count.
        """
        touched = await self._pg.execute(
            """
            UPDATE users SET
                status = %(status)s,
                locked_at = CASE WHEN %(status)s = 'locked' THEN now() END,
                locked_reason = CASE WHEN %(status)s = 'locked' THEN %(reason)s END,
                failed_login_count =
                    CASE WHEN %(status)s = 'active' THEN 0 ELSE failed_login_count END
            WHERE id = %(id)s AND organization_id = %(organization_id)s AND status = %(expected)s
            """,
            {
                "id": id,
                "organization_id": organization_id,
                "status": status,
                "expected": expected,
                "reason": reason,
            },
        )
        return touched == 1

    async def _user(self, sql: str | Statement, parameters: Parameters) -> User | None:
        row = await self._pg.fetchrow(sql, parameters)
        return decode_user(row[0]) if row else None
