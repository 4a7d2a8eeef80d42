"""Connections of organizations: the identity providers that their people sign in at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from storage.errors import AlreadyExists
from storage.models.connections import Connection, LedDomain
from storage.models.pages import Listed, Page
from storage.postgres.statement import Executor, Row
from storage.postgres.tenancy import shared
from storage.repositories.by_organization import find_row, grouped, hold_count
from storage.repositories.columns import assignments, dated
from storage.repositories.pagination import Selection, Sort, moment, select_page

_ARRAYS = ("scopes", "allowed_tenants", "allowed_domains", "authoritative_domains")
_OBJECTS = ("options", "claim_mapping", "role_mapping")
_DATED = ("created_at", "updated_at", "version")
_READ = (*_DATED, "domains")
_WRITTEN = tuple(name for name in Connection.__struct_fields__ if name not in _READ)
_COLUMNS = f"{', '.join(_WRITTEN)}, {dated()}"
_WRITABLE = frozenset(_WRITTEN) - {"id", "organization_id", "provider", "issuer"}
_DOMAINS = """
    COALESCE((SELECT json_agg(json_build_object('domain', d.domain,
        'required', d.mode = 'require')) FROM domains d
        WHERE d.connection_id = connections.id AND d.verified_at IS NOT NULL), '[]')
"""
_SECRETS = "SELECT id, client_secret FROM connections WHERE client_secret IS NOT NULL ORDER BY id"
SORTS = {"name": Sort("name"), "created_at": moment("created_at")}
"""What a list of connections can be sorted by."""


class Connections:
    """The table `connections`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_each(self, organization_ids: Sequence[str]) -> dict[str, tuple[Connection, ...]]:
        """Return the active connections of each organization, by name, with their domains."""
        rows = await self._pg.fetch(
            f"""
            SELECT {_COLUMNS}, {_DOMAINS} FROM connections
            WHERE organization_id = ANY(%(ids)s::uuid[]) AND status = 'active' ORDER BY name
            """,  # noqa: S608
            {"ids": list(organization_ids), "organization_id": shared(organization_ids)},
        )
        return grouped(organization_ids, map(_with_domains, rows))

    async def find(self, id: str, *, hold: bool = False) -> Connection | None:
        """Return the connection of this id in whichever organization: it is for the caller to
        compare. `hold` keeps the row from changing until the transaction ends.
        """
        row = await find_row(self._pg, _COLUMNS, "connections", id, hold)
        return _connection(row) if row else None

    async def list_page(self, organization_id: str, page: Page) -> Listed[Connection]:
        """Return a page of the connections of an organization."""
        selection = Selection(_COLUMNS, "connections", SORTS)
        selection.where("organization_id = %(organization_id)s", organization_id=organization_id)
        return await select_page(self._pg, selection, page, _connection)

    async def hold_count(self, organization_id: str) -> int:
        """Return how many connections an organization has. Nobody else counts the same until the
        transaction ends.
        """
        return await hold_count(self._pg, "connections", organization_id)

    async def insert(self, connection: Connection) -> Connection | None:
        """Add a connection; None when the organization has one of this name."""
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO connections ({", ".join(_WRITTEN)})
            VALUES ({", ".join(map(_placeholder, _WRITTEN))})
            ON CONFLICT (organization_id, name) DO NOTHING
            RETURNING {_COLUMNS}
            """,  # noqa: S608
            _encoded({name: getattr(connection, name) for name in _WRITTEN}),
        )
        return _connection(row) if row else None

    async def update(
        self, id: str, organization_id: str, changes: Mapping[str, object]
    ) -> Connection | None:
        """Write these columns alone, and return the connection as it is then; None when the
        organization has another of this name. Never its provider, its issuer or its organization.
        """
        columns = assignments(changes, _WRITABLE, _placeholder)
        try:
            row = await self._pg.fetchrow(
                f"""
                UPDATE connections SET {columns}
                WHERE id = %(id)s AND organization_id = %(organization_id)s
                RETURNING {_COLUMNS}
                """,  # noqa: S608
                {**_encoded(changes), "id": id, "organization_id": organization_id},
            )
        except AlreadyExists:
            return None
        return _connection(row) if row else None

    async def delete(self, id: str, organization_id: str) -> bool:
        """Delete a connection, and who is whom there; tell whether there was one."""
        deleted = await self._pg.execute(
            "DELETE FROM connections WHERE id = %(id)s AND organization_id = %(organization_id)s",
            {"id": id, "organization_id": organization_id},
        )
        return deleted == 1

    async def secrets(self, *, lock: bool = False) -> tuple[tuple[str, str], ...]:
        """Return id and client secret, as it is encrypted, of every connection that has one,
        `lock`ed until the transaction ends.
        """
        rows = await self._pg.fetch(_SECRETS + (" FOR NO KEY UPDATE" if lock else ""))
        return tuple((id, secret) for id, secret in rows)

    async def replace_secret(self, id: str, secret: str) -> None:
        """Write a secret that was encrypted anew."""
        await self._pg.execute(
            "UPDATE connections SET client_secret = %(secret)s WHERE id = %(id)s",
            {"id": id, "secret": secret},
        )


def _placeholder(name: str) -> str:
    return f"%({name})s::text[]" if name in _ARRAYS else f"%({name})s"


def _encoded(values: Mapping[str, object]) -> dict[str, object]:
    encoded = dict(values)
    for name in _ARRAYS:
        if name in encoded:
            encoded[name] = [*cast(Sequence[str], values[name])]
    for name in _OBJECTS:
        if name in encoded:
            encoded[name] = msgspec.json.encode(values[name]).decode()
    return encoded


def _with_domains(row: Row) -> Connection:
    *columns, domains = row
    led = msgspec.json.decode(domains, type=tuple[LedDomain, ...])
    return msgspec.structs.replace(_connection(tuple(columns)), domains=led)


def _connection(row: Row) -> Connection:
    values = dict(zip((*_WRITTEN, *_DATED), row, strict=True))
    for name in _OBJECTS:
        values[name] = msgspec.json.decode(values[name])
    return msgspec.convert(values, Connection)
