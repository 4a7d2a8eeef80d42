"""Tenancy: which rows a message to PostgreSQL sees, said in front of it (row-level security).

A message sees the rows of the organization that its parameter `organization_id` names. Without that
it sees none, and only who asks for `Executor.everywhere` sees all. What is said holds for the one
transaction, so that a pooler has nothing to carry over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from storage.postgres.statement import Parameters, Row, Scoped, Statement

NOTHING, EVERYTHING = "", "*"
"""What is seen beside the rows of one organization, which its id stands for."""


MAY_SET_ROLE = """
    CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END
"""
"""What `pg_has_role` is asked: since PostgreSQL 16 not every member may become what it is of."""
# Roles are of the whole server: theirs have the name of who owns the tables, who may read them all
# anyway. The schema is named, for "$user" in the search path would be the role's from here on.
TAKE_ROLES = f"""
    SELECT quote_ident(service.rolname), quote_ident(administrator.rolname),
        set_config('search_path',
            (SELECT string_agg(quote_ident(name), ', ') FROM unnest(current_schemas(FALSE)) name),
            FALSE),
        set_config('role', service.rolname, FALSE)
    FROM pg_class organizations
    JOIN pg_roles owner ON owner.oid = organizations.relowner
    JOIN pg_roles service ON service.rolname = owner.rolname || '_service'
    JOIN pg_roles administrator ON administrator.rolname = owner.rolname || '_administrator'
    WHERE organizations.oid = to_regclass('organizations') AND organizations.relrowsecurity
        AND pg_has_role(session_user, service.oid, {MAY_SET_ROLE})
        AND pg_has_role(session_user, administrator.oid, {MAY_SET_ROLE})
"""  # noqa: S608
"""Makes a session the service, where the database has these roles for us; one row then."""


class Roles(NamedTuple):
    """The roles that a connection takes, quoted: what it is, and what sees every organization."""

    service: str
    administrator: str


def view_of(parameters: Parameters | None) -> str:
    """Return what a statement with these parameters sees."""
    named = parameters.get("organization_id") if parameters else None
    return NOTHING if named is None else str(named)


def entering(roles: Roles | None, view: str, standing: str = NOTHING) -> str:
    """Return what is said before a statement that sees `view`, where `standing` is what the one
    before it in the transaction saw. Nothing where row-level security is off (`roles` is None).
    """
    if roles is None or view == standing:
        return ""
    if view == EVERYTHING:
        return f"SET LOCAL ROLE {roles.administrator};"
    back = f"SET LOCAL ROLE {roles.service};" if standing == EVERYTHING else ""
    tenant = "%(organization_id)s" if view else "''"
    return f"{back}SET LOCAL app.current_tenant = {tenant};"


def shared(organization_ids: Sequence[str]) -> str | None:
    """Return the organization that all of these are, for a statement about several at once."""
    return organization_ids[0] if len(set(organization_ids)) == 1 else None


class Everywhere:
    """An executor whose statements see every organization."""

    def __init__(self, executor: Scoped) -> None:
        self._executor = executor

    async def fetch(self, sql: str | Statement, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        return await self._executor.fetch(sql, parameters, EVERYTHING)

    async def fetchrow(
        self, sql: str | Statement, parameters: Parameters | None = None
    ) -> Row | None:
        """Run one statement and return its first row, or None."""
        return await self._executor.fetchrow(sql, parameters, EVERYTHING)

    async def execute(self, sql: str | Statement, parameters: Parameters | None = None) -> int:
        """Run one statement and return the number of rows it touched."""
        return await self._executor.execute(sql, parameters, EVERYTHING)

    @property
    def everywhere(self) -> Everywhere:
        return self
