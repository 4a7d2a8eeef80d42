"""Identities: which person of an organization is whom at an identity provider."""

from __future__ import annotations

from storage.models.connections import Identity, LinkedIdentity
from storage.postgres.statement import Executor, Row

_SECONDS = "EXTRACT(EPOCH FROM {})::float8"
_COLUMNS = (
    "id, connection_id, user_id, issuer, subject, email, name,"
    f" {_SECONDS.format('created_at')}, {_SECONDS.format('last_used_at')}"
)
_LINKED = (*Identity.__struct_fields__, "connection_name", "connection_status")


class Identities:
    """The table `identities`. What is another organization's is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find(
        self, connection_id: str, organization_id: str, issuer: str, subject: str
    ) -> Identity | None:
        """Return the identity of this subject."""
        row = await self._pg.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM identities
            WHERE connection_id = %(connection_id)s AND issuer = %(issuer)s
                AND subject = %(subject)s AND (organization_id = %(organization_id)s) IS TRUE
            """,  # noqa: S608
            {
                "connection_id": connection_id,
                "organization_id": organization_id,
                "issuer": issuer,
                "subject": subject,
            },
        )
        return _identity(row) if row else None

    async def use(
        self,
        connection_id: str,
        organization_id: str,
        issuer: str,
        subject: str,
        email: str | None,
        name: str | None = None,
        *,
        at: float,
    ) -> Identity | None:
        """Return the identity of this subject, and note that it was used `at` (seconds since the
        epoch), as who is told. None also where it was used later than that: what was said of
        somebody then stands, and not what was said before.
        """
        row = await self._pg.fetchrow(
            f"""
            UPDATE identities SET last_used_at = to_timestamp(%(at)s::float8),
                email = %(email)s, name = %(name)s
            WHERE connection_id = %(connection_id)s AND issuer = %(issuer)s
                AND subject = %(subject)s AND (organization_id = %(organization_id)s) IS TRUE
                AND (last_used_at <= to_timestamp(%(at)s::float8) OR last_used_at = created_at)
            RETURNING {_COLUMNS}
            """,  # noqa: S608
            {
                "connection_id": connection_id,
                "organization_id": organization_id,
                "issuer": issuer,
                "subject": subject,
                "email": email,
                "name": name,
                "at": at,
            },
        )
        return _identity(row) if row else None

    async def add(
        self,
        connection_id: str,
        organization_id: str,
        user_id: str,
        issuer: str,
        subject: str,
        email: str | None,
        name: str | None = None,
    ) -> bool:
        """Have a person of the organization be this subject; False where somebody is already."""
        added = await self._pg.execute(
            """
            INSERT INTO identities
                (organization_id, connection_id, user_id, issuer, subject, email, name)
            SELECT u.organization_id, c.id, u.id, %(issuer)s, %(subject)s, %(email)s, %(name)s
            FROM users u, connections c
            WHERE u.id = %(user_id)s AND (u.organization_id = %(organization_id)s) IS TRUE
                AND c.id = %(connection_id)s AND (c.organization_id = %(organization_id)s) IS TRUE
            ON CONFLICT DO NOTHING
            """,
            {
                "connection_id": connection_id,
                "organization_id": organization_id,
                "user_id": user_id,
                "issuer": issuer,
                "subject": subject,
                "email": email,
                "name": name,
            },
        )
        return added == 1

    async def of_user(self, user_id: str, organization_id: str) -> tuple[Identity, ...]:
        """Return what a person is elsewhere, the oldest first."""
        rows = await self._pg.fetch(
            f"""
            SELECT {_COLUMNS} FROM identities
            WHERE user_id = %(user_id)s AND (organization_id = %(organization_id)s) IS TRUE
            ORDER BY created_at, id
            """,  # noqa: S608
            {"user_id": user_id, "organization_id": organization_id},
        )
        return tuple(map(_identity, rows))

    async def list(self, user_id: str, organization_id: str) -> tuple[LinkedIdentity, ...]:
        """Return what a person is elsewhere, the oldest first, with what is called so here."""
        rows = await self._pg.fetch(
            f"""
            SELECT known.*, c.name, c.status FROM (
                SELECT {_COLUMNS} FROM identities
                WHERE user_id = %(user_id)s AND (organization_id = %(organization_id)s) IS TRUE
            ) AS known (
                id, connection_id, user_id, issuer, subject, email, name, created_at, last_used_at
            ) JOIN connections c ON c.id = known.connection_id
                AND (c.organization_id = %(organization_id)s) IS TRUE
            ORDER BY known.created_at, known.id
            """,  # noqa: S608
            {"user_id": user_id, "organization_id": organization_id},
        )
        return tuple(LinkedIdentity(**dict(zip(_LINKED, row, strict=True))) for row in rows)

    async def delete(self, id: str, user_id: str, organization_id: str) -> bool:
        """Forget that a person is somebody elsewhere; tell whether they were."""
        deleted = await self._pg.execute(
            """
            DELETE FROM identities WHERE id = %(id)s AND user_id = %(user_id)s
                AND (organization_id = %(organization_id)s) IS TRUE
            """,
            {"id": id, "user_id": user_id, "organization_id": organization_id},
        )
        return deleted == 1


def _identity(row: Row) -> Identity:
    return Identity(**dict(zip(Identity.__struct_fields__, row, strict=True)))
