"""API resources: what tokens may be asked for (RFC 8707)."""

from __future__ import annotations

import msgspec

from storage.models.clients import ApiResource
from storage.statement import Executor


class ApiResources:
    """The table `api_resources`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_all(self, organization_id: str) -> tuple[ApiResource, ...]:
        """Return the active resources of an organization, by identifier."""
        rows = await self._pg.fetch(
            """
            SELECT id, identifier, name, scopes, access_token_format, access_token_ttl
            FROM api_resources
            WHERE organization_id = %(organization_id)s AND status = 'active'
            ORDER BY identifier
            """,
            {"organization_id": organization_id},
        )
        return tuple(
            ApiResource(
                id=id,
                organization_id=organization_id,
                identifier=identifier,
                name=name,
                scopes=tuple(scopes),
                access_token_format=access_token_format,
                access_token_ttl=ttl,
            )
            for id, identifier, name, scopes, access_token_format, ttl in rows
        )

    async def insert(self, resource: ApiResource) -> None:
        """Add a resource; AlreadyExists when the organization has one of this identifier."""
        await self._pg.execute(
            """
            INSERT INTO api_resources (
                id, organization_id, identifier, name, scopes, access_token_format,
                access_token_ttl
            ) VALUES (
                %(id)s, %(organization_id)s, %(identifier)s, %(name)s, %(scope_list)s::text[],
                %(access_token_format)s, %(access_token_ttl)s
            )
            """,
            {**msgspec.structs.asdict(resource), "scope_list": list(resource.scopes)},
        )

    async def update(self, resource: ApiResource) -> None:
        """Write the name, scopes, and format and lifetime of access tokens."""
        await self._pg.execute(
            """
            UPDATE api_resources SET
                name = %(name)s,
                scopes = %(scope_list)s::text[],
                access_token_format = %(access_token_format)s,
                access_token_ttl = %(access_token_ttl)s
            WHERE id = %(id)s AND organization_id = %(organization_id)s
            """,
            {**msgspec.structs.asdict(resource), "scope_list": list(resource.scopes)},
        )
