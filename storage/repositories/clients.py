"""Clients, read with what is needed to judge their requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storage.errors import AlreadyExists
from storage.models.clients import Client, web_origins
from storage.models.pages import Listed, Page
from storage.postgres.statement import Executor
from storage.postgres.tenancy import shared
from storage.repositories.client_rows import (
    COLUMNS,
    FIND_EACH,
    WRITABLE,
    decode_client,
    encode,
    placeholder,
    values_of,
)
from storage.repositories.columns import assignments, key_column
from storage.repositories.pagination import Selection, Sort, moment, select_page

SORTS = {"client_name": Sort("client_name"), "created_at": moment("created_at")}
"""What a list of clients can be sorted by."""


class Clients:
    """The table `clients`. What is another organization's is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find(self, client_id: str, organization_id: str) -> Client | None:
        """Return the client, whatever its status, with all that is needed to judge its requests."""
        return (await self.find_each([(client_id, organization_id)]))[client_id, organization_id]

    async def find_each(
        self, keys: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], Client | None]:
        """Return each client that is asked for by client_id and organization, or None: whatever its
        status, with its secrets, the status of its application, and what that defines.

        A secret that expired within a month is among them: it is to be told from a guess. One of
        Porta 1.x that was stored without its SHA-256 cannot be verified: left out.
        """
        rows = await self._pg.fetch(
            FIND_EACH,
            {
                "client_ids": [key[0] for key in keys],
                "organization_ids": (organizations := [key[1] for key in keys]),
                "organization_id": shared(organizations),
            },
        )
        found = {keys[row[-1] - 1]: decode_client(row[:-1]) for row in rows}
        return {key: found.get(key) for key in keys}

    async def find_by_key(self, id_or_client_id: str, *, hold: bool = False) -> Client | None:
        """Return the client of this id or client_id, in whichever organization: it is for the
        caller to compare. `hold` keeps the row from changing until the transaction ends.
        """
        row = await self._pg.fetchrow(
            f"""
            SELECT client_id, organization_id FROM clients
            WHERE {key_column(id_or_client_id, "client_id")} = %(key)s
            {"FOR NO KEY UPDATE" if hold else ""}
            """,  # noqa: S608
            {"key": id_or_client_id},
        )
        return await self.find(row[0], row[1]) if row else None

    async def list_page(
        self,
        page: Page,
        *,
        organization_id: str | None = None,
        application_id: str | None = None,
        status: str | None = None,
        search: str | None = None,
    ) -> Listed[Client]:
        """Return a page of clients: of this organization, application and status, with `search` in
        their name.
        """
        selection = Selection("client_id, organization_id", "clients", SORTS)
        for name, value in (
            ("organization_id", organization_id),
            ("application_id", application_id),
        ):
            if value is not None:
                selection.where(f"{name} = %({name})s::uuid", **{name: value})
        if status is not None:
            selection.where("status = %(status)s", status=status)
        selection = selection.search("client_name", search)
        listed = await select_page(self._pg, selection, page, lambda row: (row[0], row[1]))
        found = await self.find_each(listed.rows)
        rows = tuple(client for key in listed.rows if (client := found[key]) is not None)
        return Listed(rows=rows, next=listed.next, previous=listed.previous, total=listed.total)

    async def origins(self, organization_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return the origins that active clients of each organization registered, and those of
        their web redirect URIs.
        """
        rows = await self._pg.fetch(
            """
            SELECT c.organization_id, c.allowed_origins, c.redirect_uris
            FROM clients c JOIN applications a ON a.id = c.application_id
            WHERE c.organization_id = ANY(%(ids)s::uuid[])
                AND c.status = 'active' AND a.status = 'active'
            """,
            {"ids": list(organization_ids), "organization_id": shared(organization_ids)},
        )
        found: dict[str, set[str]] = {id: set() for id in organization_ids}
        for id, allowed, redirect_uris in rows:
            found[id] |= web_origins(allowed or (), redirect_uris)
        return {id: frozenset(origins) for id, origins in found.items()}

    async def insert(self, client: Client) -> None:
        """Add a client, without secrets; AlreadyExists when its client_id is taken.

        The transaction can go on: nothing else tells that another organization has it.
        """
        placeholders = ", ".join(map(placeholder, COLUMNS))
        added = await self._pg.execute(
            f"""
            INSERT INTO clients ({", ".join(COLUMNS)}) VALUES ({placeholders})
            ON CONFLICT (client_id) DO NOTHING
            """,  # noqa: S608
            values_of(client),
        )
        if not added:
            raise AlreadyExists("clients_client_id_key")

    async def find_id_by_name(
        self, organization_id: str, application_id: str, client_name: str
    ) -> str | None:
        """Return the client_id of the oldest client of this name that is not revoked."""
        row = await self._pg.fetchrow(
            """
            SELECT client_id FROM clients
            WHERE organization_id = %(organization_id)s AND application_id = %(application_id)s
                AND client_name = %(client_name)s AND status <> 'revoked'
            ORDER BY created_at, id LIMIT 1
            """,
            {
                "organization_id": organization_id,
                "application_id": application_id,
                "client_name": client_name,
            },
        )
        return row[0] if row else None

    async def update(self, id: str, organization_id: str, changes: Mapping[str, object]) -> bool:
        """Write these columns alone; tell whether there is such a client.

        Never its ids, its organization, its application, its type or its status.
        """
        columns = assignments(changes, WRITABLE, placeholder)
        touched = await self._pg.execute(
            f"""
            UPDATE clients SET {columns}
            WHERE id = %(id)s AND (organization_id = %(organization_id)s) IS TRUE
            """,  # noqa: S608
            {**encode(changes), "id": id, "organization_id": organization_id},
        )
        return touched == 1

    async def takes(self, organization_id: str, method: str) -> bool:
        """Tell whether people sign in to any client of its own choice by a method."""
        row = await self._pg.fetchrow(
            """
            SELECT EXISTS(
                SELECT FROM clients WHERE organization_id = %(organization_id)s
                    AND status = 'active' AND %(method)s = ANY(login_methods))
            """,
            {"organization_id": organization_id, "method": method},
        )
        return row is not None and bool(row[0])

    async def set_status(self, id: str, organization_id: str, status: str) -> bool:
        """Change the status; a revoked client stays revoked. Tells whether a row changed."""
        touched = await self._pg.execute(
            """
            UPDATE clients SET status = %(status)s
            WHERE id = %(id)s AND (organization_id = %(organization_id)s) IS TRUE
                AND (status <> 'revoked' OR %(status)s = 'revoked')
            """,
            {"id": id, "organization_id": organization_id, "status": status},
        )
        return touched == 1

    async def begin_era(self, id: str, organization_id: str) -> bool:
        """End everything that was issued to it; tell whether there is such a client."""
        touched = await self._pg.execute(
            """
            UPDATE clients SET era = era + 1
            WHERE id = %(id)s AND (organization_id = %(organization_id)s) IS TRUE
            """,
            {"id": id, "organization_id": organization_id},
        )
        return touched == 1
