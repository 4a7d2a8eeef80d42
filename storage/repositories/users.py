"""People: found, counted, locked and unlocked. They are read fresh on every request."""

from __future__ import annotations

from typing import cast

import msgspec

from storage.models.artifacts import ARTIFACTS, Grant
from storage.models.users import AUTO_LOCKOUT, AccountFacts, User
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
_LIMIT_REACHED = (
    "u.status = 'active' AND %(max_failed)s > 0 AND u.failed_login_count + 1 >= %(max_failed)s"
)

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
    SELECT {STANDS}, g.payload
    FROM users u
    LEFT JOIN artifacts g ON g.id = %(grant_id)s AND (g.kind = 'Grant') IS TRUE
        AND g.organization_id = u.organization_id AND g.account_id = u.id
        AND g.expires_at > now() AND g.consumed_at IS NULL
    WHERE u.id = %(id)s AND {_OF_ORGANIZATION}
    """,  # noqa: S608
)
_RECORD_LOGIN = Statement(
    "record_login",
    f"""
    UPDATE users u SET last_login_at = now(), login_count = login_count + 1, failed_login_count = 0
    WHERE u.id = %(id)s AND {_OF_ORGANIZATION}
    """,  # noqa: S608
)
_RECORD_FAILED_LOGIN = Statement(
    "record_failed_login",
    f"""
    UPDATE users u SET
        failed_login_count = u.failed_login_count + 1,
        last_failed_login_at = now(),
        status = CASE WHEN {_LIMIT_REACHED} THEN 'locked' ELSE u.status END,
        locked_at = CASE WHEN {_LIMIT_REACHED} THEN now() ELSE u.locked_at END,
        locked_reason = CASE WHEN {_LIMIT_REACHED} THEN '{AUTO_LOCKOUT}'
            ELSE u.locked_reason END
    WHERE u.id = %(id)s AND {_OF_ORGANIZATION}
    RETURNING {USER}
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

    async def standing(
        self, id: str, organization_id: str, grant_id: str
    ) -> tuple[bool, Grant | None]:
        """Return whether there is a user who stands, and the living grant of this id, if any."""
        row = await self._pg.fetchrow(
            _STANDING, {"id": id, "organization_id": organization_id, "grant_id": grant_id}
        )
        if row is None:
            return False, None
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

    async def record_login(self, id: str, organization_id: str) -> None:
        """Count a sign-in and forget the failures before it."""
        await self._pg.execute(_RECORD_LOGIN, {"id": id, "organization_id": organization_id})

    async def record_failed_login(
        self, id: str, organization_id: str, max_failed: int
    ) -> User | None:
        """Count a failure, and lock an active user with the one that reaches `max_failed`.

        0 locks nobody. Returns the user as it now stands.
        """
        return await self._user(
            _RECORD_FAILED_LOGIN,
            {"id": id, "organization_id": organization_id, "max_failed": max_failed},
        )

    async def unlock(
        self, id: str, organization_id: str, *, reason: str | None = AUTO_LOCKOUT
    ) -> User | None:
        """End a lock that was set for `reason` (None: for any), and return the user as it stands.

        A user who is not locked, or for another reason, is returned unchanged.
        """
        await self._pg.execute(
            """
            UPDATE users SET
                status = 'active', locked_at = NULL, locked_reason = NULL, failed_login_count = 0
            WHERE id = %(id)s AND organization_id = %(organization_id)s AND status = 'locked'
                AND (%(reason)s IS NULL OR locked_reason = %(reason)s)
            """,
            {"id": id, "organization_id": organization_id, "reason": reason},
        )
        return await self.find_by_id(id, organization_id)

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
