"""Secrets of clients, as digests: added, listed, ended."""

from __future__ import annotations

from storage.models.clients import SecretEntry
from storage.postgres.statement import Executor, Row

_SECRET = (
    "s.id, s.client_id, s.label, EXTRACT(EPOCH FROM s.expires_at)::float8, s.status,"
    " EXTRACT(EPOCH FROM s.last_used_at)::float8, EXTRACT(EPOCH FROM s.created_at)::float8"
)


class ClientSecrets:
    """The table `client_secrets`. Those of another organization's clients are unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def add(
        self,
        id: str,
        organization_id: str,
        *,
        secret_hash: str,
        secret_sha256: str,
        label: str | None = None,
        expires_at: float | None = None,
    ) -> SecretEntry | None:
        """Add a secret to the client of this internal `id`. Times are epoch seconds."""
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO client_secrets AS s
                (client_id, secret_hash, secret_sha256, label, expires_at)
            SELECT c.id, %(hash)s, %(sha256)s, %(label)s, to_timestamp(%(expires_at)s)
            FROM clients c
            WHERE c.id = %(id)s AND (c.organization_id = %(organization_id)s) IS TRUE
            RETURNING {_SECRET}
            """,  # noqa: S608
            {
                "id": id,
                "organization_id": organization_id,
                "hash": secret_hash,
                "sha256": secret_sha256,
                "label": label,
                "expires_at": expires_at,
            },
        )
        return _secret(row) if row else None

    async def list(self, id: str, organization_id: str) -> tuple[SecretEntry, ...]:
        """Return the secrets of the client of this internal `id`, the newest first, revoked ones
        and expired ones among them.
        """
        rows = await self._pg.fetch(
            f"""
            SELECT {_SECRET} FROM client_secrets s JOIN clients c ON c.id = s.client_id
            WHERE c.id = %(id)s AND (c.organization_id = %(organization_id)s) IS TRUE
            ORDER BY s.created_at DESC, s.id
            """,  # noqa: S608
            {"id": id, "organization_id": organization_id},
        )
        return tuple(map(_secret, rows))

    async def has(self, id: str, organization_id: str, sha256: str) -> bool:
        """Whether the client of this internal `id` ever had this secret, revoked ones included."""
        row = await self._pg.fetchrow(
            """
            SELECT 1 FROM client_secrets s JOIN clients c ON c.id = s.client_id
            WHERE c.id = %(id)s AND (c.organization_id = %(organization_id)s) IS TRUE
                AND s.secret_sha256 = %(sha256)s
            """,
            {"id": id, "organization_id": organization_id, "sha256": sha256},
        )
        return row is not None

    async def revoke(self, id: str, organization_id: str, secret_id: str) -> bool:
        """End a secret of the client of this internal `id`; tell whether it was active."""
        touched = await self._pg.execute(
            """
            UPDATE client_secrets s SET status = 'revoked' FROM clients c
            WHERE s.id = %(secret_id)s AND s.status = 'active'
                AND c.id = %(id)s AND c.id = s.client_id
                AND (c.organization_id = %(organization_id)s) IS TRUE
            """,
            {"id": id, "organization_id": organization_id, "secret_id": secret_id},
        )
        return touched == 1


def _secret(row: Row) -> SecretEntry:
    return SecretEntry(**dict(zip(SecretEntry.__struct_fields__, row, strict=True)))
