"""Administrators: a token with whoever holds it and their permissions, in one round trip."""

from __future__ import annotations

from typing import cast

import msgspec

from storage.models.administrators import Entrance, Holder, Presented
from storage.models.artifact import Artifact, artifact_id
from storage.models.artifacts import ARTIFACTS, AccessToken, ClientCredentials
from storage.postgres.statement import Executor, Statement
from storage.repositories.accounts import STANDS
from storage.stores import decode

_RECORDS: dict[str, type[Artifact]] = {
    record.__name__: record for record in (AccessToken, ClientCredentials)
}
_APPLICATION = "porta-admin"
# Of a person `u` with the delegation `du`, or of a client with the delegation `dc`.
_PERMISSIONS = f"""
            SELECT DISTINCT p.slug
            FROM (
                SELECT ur.role_id FROM user_roles ur WHERE ur.user_id = u.id AND du.id IS NULL
                UNION ALL
                SELECT dr.role_id FROM delegation_roles dr
                WHERE dr.delegation_id = COALESCE(du.id, dc.id)
                    AND (dc.everywhere OR COALESCE(du.organization_id, dc.organization_id)
                        IS NOT NULL)
            ) held
            JOIN roles r ON r.id = held.role_id
            JOIN applications admin ON admin.id = r.application_id
                AND admin.slug = '{_APPLICATION}' AND admin.status = 'active'
            JOIN role_permissions rp ON rp.role_id = r.id
            JOIN permissions p ON p.id = rp.permission_id AND p.application_id = admin.id
            ORDER BY 1
"""  # noqa: S608
# Organizations are compared as (x = y) IS TRUE, which no index serves: whoever plans this while the
# tables are small finds a user by the id (as in token_sql.py). A person with a delegation has what
# it says and no more, whatever else is assigned to them: a restriction never adds to a right.
_FIND = Statement(
    "find_administrator",
    f"""
    SELECT a.kind, a.payload, json_build_object(
        'organization_id', o.id, 'slug', o.slug, 'era', o.era + c.era + app.era,
        'client_id', c.id, 'application', app.slug, 'user_id', u.id, 'email', u.email,
        'delegated_to', COALESCE(du.organization_id, dc.organization_id),
        'permissions', ARRAY({_PERMISSIONS}))
    FROM artifacts a
    JOIN organizations o ON o.id = a.organization_id AND o.is_super_admin
        AND (o.status = 'active') IS TRUE
    JOIN clients c ON c.client_id = a.client_id COLLATE "default"
        AND (c.organization_id = a.organization_id) IS TRUE AND (c.status = 'active') IS TRUE
    JOIN applications app ON app.id = c.application_id AND (app.status = 'active') IS TRUE
    LEFT JOIN token_families f ON f.id = a.family_id
    LEFT JOIN users u ON u.id = a.account_id AND (u.organization_id = a.organization_id) IS TRUE
    LEFT JOIN delegations du ON du.user_id = u.id
    LEFT JOIN delegations dc ON dc.client_id = c.id AND a.kind = 'ClientCredentials'
    WHERE a.id = %(id)s AND a.expires_at > now() AND a.consumed_at IS NULL
        AND (a.kind = 'ClientCredentials' OR (
            a.kind = 'AccessToken' AND {STANDS}
            AND f.revoked_at IS NULL AND f.expires_at > now()
        ))
    """,  # noqa: S608
)
# The same rights, of who is known by an id: a job that somebody asked for earlier.
_FIND_RIGHTS = f"""
    SELECT COALESCE(du.organization_id, dc.organization_id)::text, ARRAY({_PERMISSIONS})
    FROM organizations o
    LEFT JOIN users u ON u.id = %(user_id)s::uuid AND u.organization_id = o.id AND {STANDS}
    LEFT JOIN clients c ON c.id = %(client_id)s::uuid AND c.organization_id = o.id
        AND c.status = 'active'
        AND EXISTS (SELECT FROM applications a
            WHERE a.id = c.application_id AND a.status = 'active')
    LEFT JOIN delegations du ON du.user_id = u.id
    LEFT JOIN delegations dc ON dc.client_id = c.id
    WHERE o.is_super_admin AND o.status = 'active' AND num_nonnulls(u.id, c.id) = 1
"""  # noqa: S608
# The client of the command line: the oldest public one of the application.
_FIND_ENTRANCE = f"""
    SELECT o.slug, (
        SELECT c.client_id FROM clients c WHERE c.application_id = a.id
            AND c.organization_id = o.id AND c.client_type = 'public' AND c.status = 'active'
        ORDER BY c.created_at, c.id LIMIT 1)
    FROM organizations o, applications a
    WHERE o.is_super_admin AND a.slug = '{_APPLICATION}'
"""  # noqa: S608
_decode_holder = msgspec.json.Decoder(Holder).decode


class Administrators:
    """Who administers: persons of the super-admin organization, and its clients."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find(self, value: str) -> Presented | None:
        """Return a living access token of the super-admin organization with its holder.

        None for any other value: a token of another organization is unknown here. The person, the
        client, its application and the organization are active.
        """
        id = artifact_id(value)
        row = await self._pg.fetchrow(_FIND, {"id": id})
        if row is None:
            return None
        kind, payload, holder = row
        token = decode(ARTIFACTS[_RECORDS[kind]], id, payload.encode())
        # The kind names the record.
        return Presented(cast(AccessToken | ClientCredentials, token), _decode_holder(holder))

    async def find_rights(
        self, user_id: str | None, client_id: str | None
    ) -> tuple[str | None, frozenset[str]] | None:
        """Return what a person or a client (its internal id) may administer now: the organization
        that it is restricted to, and the permissions. None for who administers no more.
        """
        row = await self._pg.fetchrow(_FIND_RIGHTS, {"user_id": user_id, "client_id": client_id})
        return (row[0], frozenset(row[1])) if row else None

    async def find_entrance(self) -> Entrance | None:
        """Return where administrators sign in; None before there is the application for it."""
        row = await self._pg.fetchrow(_FIND_ENTRANCE)
        return Entrance(row[0], row[1]) if row else None
