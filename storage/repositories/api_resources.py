"""API resources: what tokens may be asked for (RFC 8707)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from storage.models.clients import ApiResource
from storage.models.pages import Listed, Page
from storage.postgres.statement import Executor, Row
from storage.postgres.tenancy import shared
from storage.repositories.by_organization import find_row, grouped
from storage.repositories.columns import assignments, dated
from storage.repositories.pagination import Selection, Sort, moment, select_page

_ARRAYS = ("scopes", "introspection_clients")
_DATED = ("created_at", "updated_at", "version")
_WRITTEN = tuple(name for name in ApiResource.__struct_fields__ if name not in _DATED)
_COLUMNS = f"{', '.join(_WRITTEN)}, {dated()}"
_WRITABLE = frozenset(_WRITTEN) - {"id", "organization_id", "identifier"}
SORTS = {
    "identifier": Sort("identifier"),
    "name": Sort("name"),
    "created_at": moment("created_at"),
}
"""What a list of API resources can be sorted by."""


class ApiResources:
    """The table `api_resources`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_all(self, organization_id: str) -> tuple[ApiResource, ...]:
        """Return the active resources of an organization, by identifier."""
        return (await self.find_each([organization_id]))[organization_id]

    async def find_each(
        self, organization_ids: Sequence[str]
    ) -> dict[str, tuple[ApiResource, ...]]:
        """Return the active resources of each organization, by identifier."""
        rows = await self._pg.fetch(
            f"""
            SELECT {_COLUMNS} FROM api_resources
            WHERE organization_id = ANY(%(ids)s::uuid[]) AND status = 'active'
            ORDER BY identifier
            """,  # noqa: S608
            {"ids": list(organization_ids), "organization_id": shared(organization_ids)},
        )
        return grouped(organization_ids, map(_resource, rows))

    async def find(self, id: str, *, hold: bool = False) -> ApiResource | None:
        """Return the resource of this id in whichever organization: it is for the caller to
        compare. `hold` keeps the row from changing until the transaction ends.
        """
        row = await find_row(self._pg, _COLUMNS, "api_resources", id, hold)
        return _resource(row) if row else None

    async def list_page(
        self, organization_id: str, page: Page, *, search: str | None = None
    ) -> Listed[ApiResource]:
        """Return a page of the resources of an organization, with `search` in their name or
        identifier.
        """
        selection = Selection(_COLUMNS, "api_resources", SORTS)
        selection.where("organization_id = %(organization_id)s", organization_id=organization_id)
        selection = selection.search(r"(name || E'\x1f' || identifier)", search)
        return await select_page(self._pg, selection, page, _resource)

    async def insert(self, resource: ApiResource) -> ApiResource | None:
        """Add a resource; None when the organization has one of this identifier."""
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO api_resources ({", ".join(_WRITTEN)})
            VALUES ({", ".join(map(_placeholder, _WRITTEN))})
            ON CONFLICT (organization_id, identifier) DO NOTHING
            RETURNING {_COLUMNS}
            """,  # noqa: S608
            _encoded({name: getattr(resource, name) for name in _WRITTEN}),
        )
        return _resource(row) if row else None

    async def update(
        self, id: str, organization_id: str, changes: Mapping[str, object]
    ) -> ApiResource | None:
        """Write these columns alone, and return the resource as it is then.

        Never its id, its organization or its identifier.
        """
        columns = assignments(changes, _WRITABLE, _placeholder)
        row = await self._pg.fetchrow(
            f"""
            UPDATE api_resources SET {columns}
            WHERE id = %(id)s AND organization_id = %(organization_id)s
            RETURNING {_COLUMNS}
            """,  # noqa: S608
            {**_encoded(changes), "id": id, "organization_id": organization_id},
        )
        return _resource(row) if row else None

    async def delete(self, id: str, organization_id: str) -> bool:
        """Delete a resource of this organization; tell whether there was one."""
        deleted = await self._pg.execute(
            "DELETE FROM api_resources WHERE id = %(id)s AND organization_id = %(organization_id)s",
            {"id": id, "organization_id": organization_id},
        )
        return deleted == 1


def _placeholder(name: str) -> str:
    return f"%({name})s::text[]" if name in _ARRAYS else f"%({name})s"


def _encoded(values: Mapping[str, object]) -> dict[str, object]:
    encoded = dict(values)
    for name in _ARRAYS:
        if name in encoded:
            encoded[name] = [*cast(Sequence[str], values[name])]
    if "scope_texts" in encoded:
        encoded["scope_texts"] = msgspec.json.encode(values["scope_texts"]).decode()
    return encoded


def _resource(row: Row) -> ApiResource:
    values = dict(zip((*_WRITTEN, *_DATED), row, strict=True))
    values["scope_texts"] = msgspec.json.decode(values["scope_texts"])
    return msgspec.convert(values, ApiResource)
