"""Differences: rows of Porta 1.x that mean something else here, found by reading alone.

Every statement names columns of 1.6.1 only, so that it runs before the database is migrated and
after; what only our schema has is read from the row as JSON.
"""
# ruff: noqa: S608 -- put together of the constants below, and of nothing that anybody sends.

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from storage.postgres.executors import Connection


class Met(NamedTuple):
    """One place where a difference is met: whose it is, and what is found there."""

    who: str
    what: str


class InheritedKey(NamedTuple):
    """A row of `signing_keys`, as 1.x reads it."""

    kid: str
    algorithm: str
    status: str
    private_key: str
    iv: str | None
    tag: str | None
    encrypted: bool


class InheritedClient(NamedTuple):
    """What a client of 1.x is registered with."""

    who: str
    application_type: str
    grant_types: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    scope: str
    own_scopes: tuple[str, ...]
    """Those that API resources of its organization define."""


_WHO = "o.slug || ' / ' || c.client_id || ' \"' || c.client_name || '\"'"
_CLIENTS = "clients c JOIN organizations o ON o.id = c.organization_id"
_SERVED = "c.status = 'active' AND o.status = 'active'"
_WAY_IN = "COALESCE(c.login_methods, o.default_login_methods) && '{password,magic_link}'"
_PEOPLE = "users u JOIN organizations o ON o.id = u.organization_id"
_STANDS = """(u.status = 'active' OR u.status = 'locked' AND u.locked_reason = 'auto_lockout')
    AND o.status = 'active'"""
_MAILED = """
    SELECT o.slug, count(*) || ' invitations, the last until '
        || to_char(max(t.expires_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
    FROM invitation_tokens t JOIN users u ON u.id = t.user_id
        JOIN organizations o ON o.id = u.organization_id
    WHERE t.used_at IS NULL AND t.expires_at > now() GROUP BY o.slug
"""
QUESTIONS = {
    "inactive_applications": f"""
        SELECT {_WHO}, 'application ' || a.slug || ' is ' || a.status
        FROM {_CLIENTS} JOIN applications a ON a.id = c.application_id
        WHERE {_SERVED} AND a.status <> 'active' ORDER BY 1
    """,
    "roles_elsewhere": f"""
        WITH held AS (
            SELECT u.organization_id, r.application_id, a.slug, count(DISTINCT u.id) AS people
            FROM user_roles ur JOIN users u ON u.id = ur.user_id JOIN roles r ON r.id = ur.role_id
            JOIN applications a ON a.id = r.application_id
            WHERE u.status = 'active' GROUP BY 1, 2, 3
        )
        SELECT {_WHO}, 'is told no roles of ' || string_agg(
            h.slug || ' (' || h.people || CASE h.people WHEN 1 THEN ' person)' ELSE ' people)' END,
            ', ' ORDER BY h.slug)
        FROM {_CLIENTS} JOIN held h ON h.organization_id = o.id
            AND h.application_id <> c.application_id
        WHERE {_SERVED} AND 'authorization_code' = ANY(c.grant_types)
            AND (to_jsonb(c) ->> 'tells_all_roles') IS DISTINCT FROM 'true'
        GROUP BY 1 ORDER BY 1
    """,
    "client_authentication": f"""
        SELECT {_WHO}, c.token_endpoint_auth_method FROM {_CLIENTS}
        WHERE {_SERVED} AND c.token_endpoint_auth_method NOT IN
            ('none', 'client_secret_basic', 'client_secret_post') ORDER BY 1
    """,
    "clients_without_password": f"""
        SELECT {_WHO}, 'offers ' || COALESCE(NULLIF(array_to_string(
            COALESCE(c.login_methods, o.default_login_methods), ', '), ''), 'nothing')
        FROM {_CLIENTS}
        WHERE {_SERVED} AND 'authorization_code' = ANY(c.grant_types) AND NOT {_WAY_IN}
        ORDER BY 1
    """,
    "second_factor": f"""
        SELECT o.slug, count(*) || CASE WHEN count(*) = 1 THEN ' person' ELSE ' people' END
        FROM {_PEOPLE}
        WHERE {_STANDS} AND u.two_factor_enabled
            AND u.two_factor_method IS DISTINCT FROM 'email' AND NOT EXISTS (
                SELECT FROM user_totp t WHERE t.user_id = u.id AND t.verified)
        GROUP BY o.slug ORDER BY 1
    """,
    "people_without_password": f"""
        SELECT o.slug, count(*) || CASE WHEN count(*) = 1 THEN ' person' ELSE ' people' END
        FROM {_PEOPLE} WHERE {_STANDS} AND u.password_hash IS NULL GROUP BY o.slug ORDER BY 1
    """,
    # Resets work, and magic links end within a quarter of an hour.
    "pending_mails": f"{_MAILED} ORDER BY 1, 2",
    "password_costs": f"""
        SELECT split_part(u.password_hash, '$', 4), count(*)::text
        FROM {_PEOPLE} WHERE u.status <> 'inactive' AND u.password_hash LIKE '$argon2%%'
        GROUP BY 1 ORDER BY count(*) DESC
    """,
    "old_audit_entries": """
        SELECT 'audit_log', count(*) || ' entries older than ' || (c.value #>> '{}') || ' days'
        FROM audit_log a, system_config c
        WHERE c.key = 'audit_retention_days' AND (c.value #>> '{}') ~ '^[0-9]{1,5}$'
            AND a.created_at < now() - make_interval(days => (c.value #>> '{}')::int)
        GROUP BY c.value HAVING count(*) > 0
    """,
}
_TOKENS_OF = "COALESCE(p.payload ->> 'clientId', 'unknown client')"
_IS_BOUND = """(COALESCE(
    p.payload ->> 'jkt', p.payload ->> 'x5t#S256', p.payload ->> 'attestationJkt') IS NOT NULL)"""
_OF_TOKENS = {
    "resources": f"""
        SELECT {_TOKENS_OF}, string_agg(DISTINCT r.name, ', ')
        FROM oidc_payloads p, LATERAL jsonb_path_query(p.payload, '$.resource[*]') AS v,
            LATERAL (SELECT v #>> '{{}}') AS r (name)
        WHERE p.expires_at > now() AND r.name IS NOT NULL
        GROUP BY 1 ORDER BY 1
    """,
    "dpop": f"""
        SELECT {_TOKENS_OF}, count(*) || ' tokens bound to a key'
        FROM oidc_payloads p
        WHERE p.expires_at > now() AND {_IS_BOUND} GROUP BY 1 ORDER BY 1
    """,
    "refresh_tokens": f"""
        SELECT {_TOKENS_OF}, count(*) || ' refresh tokens'
        FROM oidc_payloads p
        WHERE p.type = 'RefreshToken' AND p.consumed_at IS NULL AND p.expires_at > now()
            AND NOT {_IS_BOUND}
            AND 'offline_access' = ANY (string_to_array(p.payload ->> 'scope', ' '))
        GROUP BY 1 ORDER BY 1
    """,
}
"""Of tokens that are good still, in the table that goes with the way back."""


class Differences:
    """What a database of Porta 1.x holds, read in one transaction that can write nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def freeze(self) -> None:
        """See one state of the database from here on; to be called first of a transaction."""
        await self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    async def meet(self, question: str) -> tuple[Met, ...]:
        """Return where the difference is met that a key of QUESTIONS names."""
        if question in _OF_TOKENS and not await self._has("oidc_payloads"):
            return ()
        rows = await self._connection.fetch((QUESTIONS | _OF_TOKENS)[question])
        return tuple(Met(str(who), what) for who, what in rows)

    async def clients(self) -> tuple[InheritedClient, ...]:
        """Return what active clients are registered with."""
        own = "NULL::text[]"
        if await self._has("api_resources"):
            own = """(SELECT array_agg(DISTINCT s) FROM api_resources ar, unnest(ar.scopes) s
                WHERE ar.organization_id = o.id)"""
        rows = await self._connection.fetch(
            f"""
            SELECT {_WHO}, c.application_type, c.grant_types, c.redirect_uris, c.scope, {own}
            FROM {_CLIENTS} WHERE {_SERVED} ORDER BY 1
            """
        )
        return tuple(
            InheritedClient(who, kind, tuple(grants), tuple(uris), scope, tuple(scopes or ()))
            for who, kind, grants, uris, scope, scopes in rows
        )

    async def config(self) -> dict[str, Any]:
        """Return `system_config`: key to decoded value."""
        rows = await self._connection.fetch("SELECT key, value::text FROM system_config")
        return {key: msgspec.json.decode(value) for key, value in rows}

    async def signing_keys(self) -> tuple[InheritedKey, ...]:
        """Return the keys that 1.x loads."""
        rows = await self._connection.fetch(
            "SELECT kid, algorithm, status, private_key, private_key_iv, private_key_tag, encrypted"
            " FROM signing_keys WHERE status IN ('active', 'retired') ORDER BY activated_at DESC"
        )
        return tuple(InheritedKey(*row) for row in rows)

    async def _has(self, table: str) -> bool:
        row = await self._connection.fetchrow(
            "SELECT to_regclass(%(table)s) IS NOT NULL", {"table": table}
        )
        return bool(row and row[0])
