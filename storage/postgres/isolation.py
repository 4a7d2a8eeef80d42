"""Row-level security of a database: the roles of the servers, their grants, and whether it is on.

The policies themselves are migrations. They bind nobody until the roles are there that have to be
bound, which takes the right to create roles: so this is made sure of after each `porta migrate up`.
"""

from __future__ import annotations

from storage.errors import NotPermitted, StorageError
from storage.postgres.executors import Connection
from storage.postgres.migration_lock import Waiting, opened
from storage.postgres.migration_steps import patiently
from storage.postgres.statement import Executor
from storage.postgres.tenancy import MAY_SET_ROLE

_ATTEMPTS = 5
"""Of a statement about roles: they are of the whole server, and others make theirs there too."""

_READ = "SELECT"
SERVICE = {
    # What belongs to no organization, and what only administrators change.
    **dict.fromkeys(
        ("applications", "application_modules", "roles", "permissions", "role_permissions"), _READ
    ),
    **dict.fromkeys(("custom_claim_definitions", "system_config", "organizations"), _READ),
    **dict.fromkeys(("clients", "client_secrets", "api_resources", "branding_assets"), _READ),
    **dict.fromkeys(("user_roles", "custom_claim_values"), _READ),
    # Whoever acts for a tenant makes nobody and deletes nobody, and writes no history anew.
    "users": "SELECT, UPDATE",
    # Whoever is somebody elsewhere may say that they are not, at their own account.
    "identities": "SELECT, INSERT, UPDATE, DELETE",
    # Connections are read by the cache of configuration; an identity names one that there is.
    "connections": _READ,
    # Whoever has a set-up link goes on with it, and makes none.
    "setup_links": "SELECT, UPDATE",
    "audit_log": "SELECT, INSERT",
    "jobs": "SELECT, INSERT",
    "audit_unsealed": "INSERT",
    "assets": _READ,
    # A passkey that was removed is remembered.
    "passkeys": "SELECT, INSERT, UPDATE",
    "passkey_users": "SELECT, INSERT",
    # What a request of a tenant has no business with at all; private keys above all.
    **dict.fromkeys(("signing_keys", "ring_keys", "idempotent_answers"), ""),
    **dict.fromkeys(("delegations", "delegation_roles", "job_results", "domains"), ""),
    # What only Porta 1.x read; a refresh token of it is read by its value, by a function.
    **dict.fromkeys(("oidc_payloads", "admin_sessions"), ""),
    **dict.fromkeys(("audit_state", "audit_chains", "audit_seals", "audit_checkpoints"), ""),
}
"""What the service may do to a table, where that is not everything; an administrator always may."""
OWN = ("schema_migrations", "pgmigrations")
"""What neither role touches: the bookkeeping of migrations, ours and that of Porta 1.x."""

_ABOUT_ROLES = (1, 2)
"""The steps below that take the right to create roles, or the administration of these two."""
_EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"
# In the order in which they have to be run. The last one is what servers go by: the tables of an
# organization are closed before `organizations` is.
_OUTSTANDING = f"""
    WITH our AS (
        SELECT pg_get_userbyid(relowner) AS owner, relnamespace::regnamespace AS schema,
            relnamespace, relowner
        FROM pg_class WHERE oid = to_regclass('organizations')
    ), wanted AS (
        SELECT our.owner || suffix AS name, suffix = '_administrator' AS administers, found.oid
        FROM our CROSS JOIN unnest('{{_service,_administrator}}'::text[]) suffix
        LEFT JOIN pg_roles found ON found.rolname = our.owner || suffix
    ), logins AS (
        SELECT owner AS name FROM our UNION SELECT session_user
    ), tables AS (
        SELECT c.oid, c.relname, c.relrowsecurity, c.relname = 'organizations' AS last,
            EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'tenant') AS bound
        FROM our JOIN pg_class c ON c.relnamespace = our.relnamespace AND c.relkind IN ('r', 'p')
            AND c.relname <> ALL(%(own)s::text[]) AND NOT EXISTS (
                SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid
                    AND deptype = 'e')
    ), rights AS (
        SELECT t.oid, t.relname, w.name, w.oid AS role, CASE
            WHEN w.administers THEN '{_EVERYTHING}'
            ELSE COALESCE(told.rights, '{_EVERYTHING}') END AS wanted
        FROM tables t CROSS JOIN wanted w
        LEFT JOIN unnest(%(told)s::text[], %(rights)s::text[]) AS told (name, rights)
            ON told.name = t.relname
    ), functions AS (
        SELECT p.oid, p.proname FROM our JOIN pg_proc p ON p.pronamespace = our.relnamespace
        WHERE p.prosecdef AND p.proname LIKE 'porta%%'
    )
    SELECT step, sql FROM (
        SELECT 1 AS step, name AS sorted, format('CREATE ROLE %%I NOLOGIN', name) AS sql
        FROM wanted WHERE oid IS NULL
        UNION ALL
        SELECT 2, w.name, format('GRANT %%I TO %%I', w.name, l.name)
        FROM wanted w CROSS JOIN logins l
        WHERE w.oid IS NULL OR NOT pg_has_role(l.name, w.oid, {MAY_SET_ROLE})
        UNION ALL
        SELECT 3, w.name, format('GRANT USAGE ON SCHEMA %%s TO %%I', our.schema, w.name)
        FROM wanted w CROSS JOIN our
        WHERE w.oid IS NULL OR NOT has_schema_privilege(w.oid, our.relnamespace, 'USAGE')
        UNION ALL
        SELECT 4, r.relname, format('GRANT %%s ON %%s TO %%I', r.wanted, r.oid::regclass, r.name)
        FROM rights r
        WHERE r.wanted <> '' AND (r.role IS NULL OR EXISTS (
            SELECT FROM unnest(string_to_array(r.wanted, ', ')) needed
            WHERE NOT has_table_privilege(r.role, r.oid, needed)))
        UNION ALL
        SELECT 5, t.relname, format('DROP POLICY IF EXISTS administrator ON %%1$s;'
            ' CREATE POLICY administrator ON %%1$s TO %%2$I USING (TRUE)', t.oid::regclass, w.name)
        FROM tables t CROSS JOIN wanted w
        WHERE t.bound AND w.administers AND NOT EXISTS (
            SELECT FROM pg_policy WHERE polrelid = t.oid AND polname = 'administrator'
                AND polroles = ARRAY[w.oid])
        UNION ALL
        SELECT 6, f.proname, format('REVOKE EXECUTE ON FUNCTION %%1$s FROM PUBLIC;'
            ' GRANT EXECUTE ON FUNCTION %%1$s TO %%2$s', f.oid::regprocedure,
            string_agg(quote_ident(w.name), ', ' ORDER BY w.name))
        FROM functions f CROSS JOIN wanted w GROUP BY f.oid, f.proname
        HAVING has_function_privilege('public', f.oid, 'EXECUTE')
            OR bool_or(w.oid IS NULL OR NOT has_function_privilege(w.oid, f.oid, 'EXECUTE'))
        UNION ALL
        SELECT CASE WHEN last THEN 8 ELSE 7 END, relname,
            format('ALTER TABLE %%s ENABLE ROW LEVEL SECURITY', oid::regclass)
        FROM tables WHERE bound AND NOT relrowsecurity
    ) statements ORDER BY step, sorted, sql
"""  # noqa: S608
_ACTIVE = """
    SELECT COALESCE(bool_and(row_security_active(polrelid)), FALSE)
    FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
    WHERE polname = 'tenant'
        AND relnamespace = (SELECT relnamespace FROM pg_class
            WHERE oid = to_regclass('organizations'))
"""


async def is_active(executor: Executor) -> bool:
    """Whether what the executor runs is bound by every policy."""
    row = await executor.fetchrow(_ACTIVE)
    return bool(row and row[0])


async def find_outstanding(dsn: str) -> tuple[str, ...]:
    """Return what is left to be run, as SQL, until row-level security is on; nothing when it is."""
    async with opened(dsn) as connection:
        return _first(await _outstanding(connection))


async def establish(connection: Connection, waiting: Waiting) -> tuple[str, ...]:
    """Switch row-level security on, and return what of it is left to somebody with more rights.

    Where there are no roles for it, it stays off, and nobody is bound.
    """
    for _, sql in await _outstanding(connection):
        try:
            await _run(connection, sql, waiting)
        except NotPermitted:
            break
    return _first(await _outstanding(connection))


async def _outstanding(connection: Executor) -> list[tuple[int, str]]:
    """Return each statement that is left to be run, with its step, in order."""
    rights = {"told": list(SERVICE), "rights": list(SERVICE.values()), "own": list(OWN)}
    return [(step, sql) for step, sql in await connection.fetch(_OUTSTANDING, rights)]


def _first(outstanding: list[tuple[int, str]]) -> tuple[str, ...]:
    """Return what is about roles, where something is: the rest we can do ourselves then."""
    about_roles = tuple(sql for step, sql in outstanding if step in _ABOUT_ROLES)
    return about_roles or tuple(sql for _, sql in outstanding)


async def _run(connection: Connection, sql: str, waiting: Waiting) -> None:
    """Run a statement, unless somebody else has: every database of a server has these roles."""
    for attempt in range(_ATTEMPTS):
        try:
            await patiently(connection, sql, waiting)
            return
        except NotPermitted:
            raise
        except StorageError:
            if all(sql != left for _, left in await _outstanding(connection)):
                return
            if attempt + 1 == _ATTEMPTS:
                raise
