"""Passwords of people, as hashes: given, taken, hashed anew."""

from __future__ import annotations

from storage.models.users import UserProfile
from storage.postgres.statement import Executor
from storage.repositories import accounts, user_sql


class UserPasswords:
    """Passwords in `users`. An id of another organization is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def set(
        self, id: str, organization_id: str, password_hash: str | None
    ) -> UserProfile | None:
        """Give a user another password, or none, from now on; return them as they are then. What
        was shown before this moment shows nothing any more (`half_way`), also where there is none.
        """
        row = await self._pg.fetchrow(
            f"""
            UPDATE users u SET password_hash = %(hash)s, password_changed_at = now()
            WHERE u.id = %(id)s AND u.organization_id = %(organization_id)s
            RETURNING {accounts.PROFILE}
            """,  # noqa: S608
            {"id": id, "organization_id": organization_id, "hash": password_hash},
        )
        return accounts.decode_profile(row[0]) if row else None

    async def replace_hash(
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

    async def costs(self, but: str) -> list[tuple[str, str, int]]:
        """Return what the stored Argon2id hashes ask for (`m=65536,t=3,p=4`) that do not ask for
        `but`: organization, cost, and how many there are; the most frequent first.
        """
        rows = await self._pg.fetch(user_sql.PASSWORD_COSTS, {"but": but})
        return [(organization_id, cost, people) for organization_id, cost, people in rows]
