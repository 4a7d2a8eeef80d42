"""Clients, read with what is needed to judge their requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from storage.errors import AlreadyExists
from storage.models.claims import ClaimDefinition, ClaimMapping
from storage.models.clients import Client, ClientSecret, SecretEntry, web_origins
from storage.models.pages import Listed, Page
from storage.postgres.statement import Executor, Row
from storage.postgres.tenancy import shared
from storage.repositories.columns import assignments, dated, key_column
from storage.repositories.pagination import Selection, Sort, moment, select_page

_ARRAYS = (
    "redirect_uris",
    "post_logout_redirect_uris",
    "grant_types",
    "response_types",
    "allowed_origins",
    "login_methods",
)
_COLUMNS = tuple(
    name
    for name in Client.__struct_fields__
    if name
    not in (
        *("application_status", "secrets", "claim_definitions", "era"),
        *("defines_roles", "defines_permissions", "created_at", "updated_at", "version"),
    )
)
_KEPT = ("id", "organization_id", "application_id", "client_id", "client_type", "status")
_WRITABLE = frozenset(_COLUMNS) - {*_KEPT, "is_adopted"}
_SECRET = (
    "s.id, s.client_id, s.label, EXTRACT(EPOCH FROM s.expires_at)::float8, s.status,"
    " EXTRACT(EPOCH FROM s.last_used_at)::float8, EXTRACT(EPOCH FROM s.created_at)::float8"
)
SORTS = {"client_name": Sort("client_name"), "created_at": moment("created_at")}
"""What a list of clients can be sorted by."""
_SECRETS = msgspec.json.Decoder(tuple[ClientSecret, ...])
_DEFINITIONS = msgspec.json.Decoder(tuple[ClaimDefinition, ...])
_MAPPINGS = msgspec.json.Decoder(tuple[ClaimMapping, ...])


class Clients:
    """The tables `clients` and `client_secrets`. What is another organization's is unknown."""

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
            f"""
            SELECT {", ".join(f"c.{name}" for name in _COLUMNS)}, c.era + a.era, a.status,
                (SELECT json_agg(json_build_object(
                    'sha256', s.secret_sha256,
                    'expires_at', EXTRACT(EPOCH FROM s.expires_at)::float8
                    ) ORDER BY s.created_at)
                 FROM client_secrets s
                 WHERE s.client_id = c.id AND s.status = 'active'
                    AND s.secret_sha256 IS NOT NULL
                    AND (s.expires_at IS NULL OR s.expires_at > now() - interval '30 days')),
                (SELECT json_agg(json_build_object(
                    'id', d.id, 'claim_name', d.claim_name, 'claim_type', d.claim_type,
                    'include_in_id_token', d.include_in_id_token,
                    'include_in_access_token', d.include_in_access_token,
                    'include_in_userinfo', d.include_in_userinfo, 'title', d.title
                    ) ORDER BY d.claim_name)
                 FROM custom_claim_definitions d WHERE d.application_id = c.application_id),
                c.tells_all_roles
                    OR EXISTS (SELECT FROM roles r WHERE r.application_id = c.application_id),
                c.tells_all_roles
                    OR EXISTS (SELECT FROM permissions p WHERE p.application_id = c.application_id),
                {dated("c.")}, asked.place
            FROM unnest(%(client_ids)s::text[], %(organization_ids)s::uuid[])
                WITH ORDINALITY AS asked (client_id, organization_id, place)
            JOIN clients c ON c.client_id = asked.client_id
                AND (c.organization_id = asked.organization_id) IS TRUE
            JOIN applications a ON a.id = c.application_id
            """,  # noqa: S608
            {
                "client_ids": [key[0] for key in keys],
                "organization_ids": (organizations := [key[1] for key in keys]),
                "organization_id": shared(organizations),
            },
        )
        found = {keys[row[-1] - 1]: _client(row[:-1]) for row in rows}
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
        placeholders = ", ".join(map(_placeholder, _COLUMNS))
        added = await self._pg.execute(
            f"""
            INSERT INTO clients ({", ".join(_COLUMNS)}) VALUES ({placeholders})
            ON CONFLICT (client_id) DO NOTHING
            """,  # noqa: S608
            _values(client),
        )
        if not added:
            raise AlreadyExists("clients_client_id_key")

    async def add_secret(
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
        columns = assignments(changes, _WRITABLE, _placeholder)
        touched = await self._pg.execute(
            f"""
            UPDATE clients SET {columns}
            WHERE id = %(id)s AND (organization_id = %(organization_id)s) IS TRUE
            """,  # noqa: S608
            {**_encoded(changes), "id": id, "organization_id": organization_id},
        )
        return touched == 1

    async def list_secrets(self, id: str, organization_id: str) -> tuple[SecretEntry, ...]:
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

    async def has_secret(self, id: str, organization_id: str, sha256: str) -> bool:
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

    async def revoke_secret(self, id: str, organization_id: str, secret_id: str) -> bool:
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


def _placeholder(name: str) -> str:
    return f"%({name})s::text[]" if name in _ARRAYS else f"%({name})s"


def _values(client: Client) -> dict[str, object]:
    return _encoded({name: getattr(client, name) for name in _COLUMNS})


def _encoded(values: Mapping[str, object]) -> dict[str, object]:
    encoded = dict(values)
    for name, value in values.items():
        if name in _ARRAYS and value is not None:
            encoded[name] = [*cast(Sequence[str], value)]
        elif name in ("metadata", "claim_mappings"):
            encoded[name] = msgspec.json.encode(value).decode()
    return encoded


def _secret(row: Row) -> SecretEntry:
    return SecretEntry(**dict(zip(SecretEntry.__struct_fields__, row, strict=True)))


def _client(row: Row) -> Client:
    (
        *columns,
        era,
        application_status,
        secrets,
        definitions,
        roles,
        permissions,
        made,
        at,
        version,
    ) = row
    values = dict(zip(_COLUMNS, columns, strict=True))
    for name in _ARRAYS:
        values[name] = None if values[name] is None else tuple(values[name])
    # Two of the arrays may be NULL in rows of Porta 1.x; only login_methods means something by it.
    for name in ("post_logout_redirect_uris", "allowed_origins"):
        values[name] = values[name] or ()
    values["metadata"] = msgspec.json.decode(values["metadata"])
    values["claim_mappings"] = _mappings(values["claim_mappings"])
    return Client(
        **values,
        era=era,
        application_status=application_status,
        secrets=_SECRETS.decode(secrets) if secrets else (),
        claim_definitions=_DEFINITIONS.decode(definitions) if definitions else (),
        defines_roles=roles,
        defines_permissions=permissions,
        created_at=made,
        updated_at=at,
        version=version,
    )


def _mappings(column: str) -> tuple[ClaimMapping, ...]:
    """What no service has written maps nothing: clients are read many at a time, and one row that
    cannot be read must not stop its neighbours.
    """
    try:
        return _MAPPINGS.decode(column)
    except msgspec.ValidationError:
        return ()
