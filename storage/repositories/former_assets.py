"""Assets that were uploaded to Porta 1.x, in a table of its own: listed, read, deleted."""

from __future__ import annotations

from storage.models.organizations import BrandAsset
from storage.postgres.statement import Executor

_DATED = (
    "EXTRACT(EPOCH FROM created_at)::float8 AS created_at,"
    " EXTRACT(EPOCH FROM updated_at)::float8 AS updated_at"
)


class FormerAssets:
    """The table `branding_assets`. Nobody looked into what it holds, nor showed it on a page."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def of(self, organization_id: str) -> dict[str, BrandAsset]:
        """Return the assets of an organization by their kind; their content type is a claim."""
        rows = await self._pg.fetch(
            f"""
            SELECT asset_type, id, content_type, file_size, {_DATED} FROM branding_assets
            WHERE organization_id = %(id)s ORDER BY asset_type
            """,  # noqa: S608
            {"id": organization_id},
        )
        return {
            kind: BrandAsset(
                id=id,
                name="",
                content_type=content_type,
                size=size,
                created_at=created_at,
                updated_at=updated_at,
            )
            for kind, id, content_type, size, created_at, updated_at in rows
        }

    async def content(self, organization_id: str, kind: str) -> bytes | None:
        """Return what was uploaded, or None."""
        row = await self._pg.fetchrow(
            """
            SELECT data FROM branding_assets
            WHERE organization_id = %(id)s AND asset_type = %(kind)s
            """,
            {"id": organization_id, "kind": kind},
        )
        return bytes(row[0]) if row else None

    async def delete(self, organization_id: str, kind: str) -> bool:
        """Delete what was uploaded; False where there is nothing."""
        deleted = await self._pg.execute(
            "DELETE FROM branding_assets WHERE organization_id = %(id)s AND asset_type = %(kind)s",
            {"id": organization_id, "kind": kind},
        )
        return deleted > 0
