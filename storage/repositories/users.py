"""People: found, listed, changed. They are read fresh on every request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

from storage.models.artifacts import ARTIFACTS, Grant, Session
from storage.models.pages import Listed, Page
from storage.models.users import AccountFacts, SessionStatus, User, UserProfile
from storage.postgres.statement import Executor, Parameters, Statement
from storage.repositories import accounts, user_sql
from storage.repositories.accounts import USER, decode_facts, decode_user
from storage.repositories.columns import assignments
from storage.repositories.pagination import (
    Selection,
    Sort,
    moment,
    select_page,
    selects_more_than,
)
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
SORTS = {
    "email": Sort("u.email", value="%(cursor_value)s::citext"),
    "given_name": Sort("COALESCE(u.given_name, '')"),
    "family_name": Sort("COALESCE(u.family_name, '')"),
    "created_at": moment("u.created_at"),
    "last_login_at": moment("COALESCE(u.last_login_at, '1970-01-01T00:00:00Z'::timestamptz)"),
}
"""What a list of people can be sorted by."""
UNINDEXED_SORTS = frozenset({"last_login_at"})
"""Those of them that read and sort all that is selected: with an index, each sign-in would write to
every index of its row.
"""
_SEARCHED = (
    r"(u.email::text || E'\x1f' || COALESCE(u.given_name, '') || ' '"
    " || COALESCE(u.family_name, ''))"
)
PROFILE = tuple(name for name in User.__struct_fields__ if name not in _ELSEWHERE)
"""The fields of a user that are their profile."""


class Users:
    """The table `users`. An id or address of another organization is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_by_email(self, organization_id: str, email: str) -> User | None:
        """Return the user with this address, whatever the status; letter case is ignored."""
        return await self._user(
            f"""
            SELECT {USER} FROM users u WHERE {user_sql.BY_ADDRESS}
            """,  # noqa: S608
            {"organization_id": organization_id, "email": email},
        )

    async def find_by_id(self, id: str, organization_id: str) -> User | None:
        """Return the user, whatever the status."""
        return await self._user(user_sql.FIND_BY_ID, {"id": id, "organization_id": organization_id})

    async def find(
        self, id: str, *, organization_id: str | None = None, hold: bool = False
    ) -> UserProfile | None:
        """Return the user of this id with their dates; where no organization is named, of
        whichever: it is for the caller to compare.

        `hold` keeps the row from changing until the transaction ends.
        """
        row = await self._pg.fetchrow(
            f"""
            SELECT {accounts.PROFILE} FROM users u WHERE u.id = %(id)s
            {f"AND {user_sql.OF_ORGANIZATION}" if organization_id is not None else ""}
            {"FOR NO KEY UPDATE" if hold else ""}
            """,  # noqa: S608
            {"id": id, "organization_id": organization_id},
        )
        return accounts.decode_profile(row[0]) if row else None

    async def facts(
        self, id: str, organization_id: str, application_id: str, *, all_roles: bool = False
    ) -> AccountFacts | None:
        """Return the user, whatever the status, with roles, permissions and claim values at one
        application; `all_roles` adds roles and permissions at every other one.
        """
        row = await self._pg.fetchrow(
            user_sql.FACTS,
            {
                "id": id,
                "organization_id": organization_id,
                "application_id": application_id,
                "all_roles": all_roles,
            },
        )
        return decode_facts(row[0]) if row else None

    async def session_status(
        self, session: Session, grant_id: str, *, idle_ttl: float, use_interval: float
    ) -> SessionStatus | None:
        """Return what a session is worth, and the living grant of this id, if any.

        None when the session has ended, or was not used for `idle_ttl` seconds: where it was
        found, that may be yet to be known. A use is due to be noted `use_interval` seconds after
        the one before.
        """
        row = await self._pg.fetchrow(
            user_sql.STANDING,
            {
                "session_id": session.id,
                "organization_id": session.organization_id,
                "grant_id": grant_id,
                "idle_ttl": idle_ttl,
                "use_interval": use_interval,
            },
        )
        if row is None:
            return None
        usable, payload, use_is_due, withdrawals = row
        grant = decode(_GRANT, grant_id, payload.encode()) if payload else None
        return SessionStatus(
            usable,
            cast(Grant | None, grant),  # the kind names the record
            use_is_due,
            withdrawals,
        )

    async def insert(self, user: User) -> UserProfile | None:
        """Add a user and return them as they are stored; None when the organization has one with
        this address.
        """
        names = [name for name in User.__struct_fields__ if name not in _COUNTED]
        values = ", ".join(f"%({name})s" for name in names)
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO users AS u ({", ".join(names)}, password_changed_at)
            VALUES ({values}, CASE WHEN %(password_hash)s::text IS NOT NULL THEN now() END)
            ON CONFLICT (organization_id, email) DO NOTHING
            RETURNING {accounts.PROFILE}
            """,  # noqa: S608
            msgspec.structs.asdict(user),
        )
        return accounts.decode_profile(row[0]) if row else None

    async def list_page(
        self,
        organization_id: str,
        page: Page,
        *,
        status: str | None = None,
        search: str | None = None,
    ) -> Listed[UserProfile]:
        """Return a page of the people of an organization: of this status, with `search` in their
        address or their name.
        """
        selection = _selection(organization_id, status, search)
        return await select_page(
            self._pg, selection, page, lambda row: accounts.decode_profile(row[0])
        )

    async def are_more_than(
        self,
        most: int,
        organization_id: str,
        *,
        status: str | None = None,
        search: str | None = None,
    ) -> bool:
        """Whether such a list has more than `most` people."""
        selection = _selection(organization_id, status, search)
        return await selects_more_than(self._pg, selection, most)

    async def update(
        self, id: str, organization_id: str, changes: Mapping[str, object]
    ) -> UserProfile | None:
        """Write these columns of address and profile, and return the user as they are then.

        AlreadyExists when the organization has another with this address.
        """
        columns = assignments(changes, ("email", *PROFILE))
        row = await self._pg.fetchrow(
            f"""
            UPDATE users u SET {columns}
            WHERE u.id = %(id)s AND u.organization_id = %(organization_id)s
            RETURNING {accounts.PROFILE}
            """,  # noqa: S608
            {**changes, "id": id, "organization_id": organization_id},
        )
        return accounts.decode_profile(row[0]) if row else None

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


def _selection(organization_id: str, status: str | None, search: str | None) -> Selection:
    """Return which people of an organization a list has."""
    selection = Selection(accounts.PROFILE, "users u", SORTS, id="u.id")
    selection.where("u.organization_id = %(organization_id)s", organization_id=organization_id)
    if status is not None:
        selection.where("u.status = %(status)s", status=status)
    return selection.search(_SEARCHED, search)
