"""Import : models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from typing import Any, Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Once, Resource
from porta.admin_client.resources.shared import ImportReport, Progress


class ImportCommand(Model, frozen=True, kw_only=True):
    """What is to be imported: a provisioning file, or a flat manifest of Porta 1.x."""

    manifest: dict[str, Any]
    mode: Literal["merge", "overwrite", "dry-run"] | UnsetType = UNSET
    dry_run: bool | UnsetType = UNSET


class ImportState(Entity, frozen=True, kw_only=True):
    """How far an import by a job is; its report, once that is made."""

    job_id: str
    state: str
    progress: Progress | None
    report: ImportReport | None


class ImportResource(Resource):
    """Import ."""

    async def create(self, body: ImportCommand, **once: Unpack[Once]) -> ImportReport:
        """Import a provisioning file; of more than 100 entries by a job (202)."""
        return await self._plain(ImportReport, "POST", ("import",), body=body, **once)

    async def get(self, job_id: str) -> ImportState:
        """Tell how far an import is that the caller asked for, and what it did."""
        return await self._one(ImportState, "GET", ("import", job_id))
