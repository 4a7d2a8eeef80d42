"""API resources: what tokens may be asked for (RFC 8707)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from storage.models.clients import ApiResource
from storage.postgres.statement import Executor

_ARRAYS = ("scopes", "introspection_clients")
_COLUMNS = ApiResource.__struct_fields__
_KEPT = ("id", "organization_id", "identifier")


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
            SELECT {", ".join(_COLUMNS)} FROM api_resources
            WHERE organization_id = ANY(%(ids)s::uuid[]) AND status = 'active'
            ORDER BY identifier
            """,  # noqa: S608
            {"ids": list(organization_ids)},
        )
        found: dict[str, list[ApiResource]] = {id: [] for id in organization_ids}
        for row in rows:
            values = dict(zip(_COLUMNS, row, strict=True))
            values["scope_texts"] = msgspec.json.decode(values["scope_texts"])
            resource = msgspec.convert(values, ApiResource)
            found[resource.organization_id].append(resource)
        return {id: tuple(resources) for id, resources in found.items()}

    async def insert(self, resource: ApiResource) -> None:
        """Add a resource; AlreadyExists when the organization has one of this identifier."""
        await self._pg.execute(
            f"""
            INSERT INTO api_resources ({", ".join(_COLUMNS)})
            VALUES ({", ".join(map(_placeholder, _COLUMNS))})
            """,  # noqa: S608
            _values(resource),
        )

    async def update(self, resource: ApiResource) -> None:
        """Write everything but its id, its organization and its identifier."""
        columns = ", ".join(
            f"{name} = {_placeholder(name)}" for name in _COLUMNS if name not in _KEPT
        )
        await self._pg.execute(
            f"""
            UPDATE api_resources SET {columns}
            WHERE id = %(id)s AND organization_id = %(organization_id)s
            """,  # noqa: S608
            _values(resource),
        )


def _placeholder(name: str) -> str:
    return f"%({name})s::text[]" if name in _ARRAYS else f"%({name})s"


def _values(resource: ApiResource) -> dict[str, object]:
    values = msgspec.structs.asdict(resource)
    values["scope_texts"] = msgspec.json.encode(resource.scope_texts).decode()
    return values | {name: list(values[name]) for name in _ARRAYS}
