"""Export service: lists as files, row by row, of whatever size; through the services of the lists,
with the rights that each of them asks for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from porta.audit import events
from porta.audit.actors import Actor
from porta.errors import NotFound
from porta.services.export_lists import EXPORTS, PERMISSION, WHEN, Exportable, ExportFilters, Rows
from porta.text.timestamps import spell_timestamp

if TYPE_CHECKING:
    from storage.router import Storage


@dataclass(frozen=True, slots=True)
class Export:
    """A list to be written: the names of its columns, and its rows, page by page."""

    columns: tuple[str, ...]
    pages: AsyncGenerator[Rows]


async def export(storage: Storage, actor: Actor, kind: str, filters: ExportFilters) -> Export:
    """Begin to read a list, and note that it is exported.

    Raises Forbidden, NotFound, also for an organization that the actor does not see.
    """
    wanted = EXPORTS[kind]
    for permission in (PERMISSION, *wanted.permissions):
        actor.check(permission)
    if filters.organization_id is not None:
        await _check_organization(storage, actor, filters.organization_id)
    async with aclosing(wanted.records(storage, actor, filters)) as refused_here:
        await anext(refused_here, None)  # and not after the first bytes of the file
    told = filters.model_dump(mode="json", exclude_none=True)
    await events.record(
        storage,
        "admin.export",
        organization_id=actor.organization_id or filters.organization_id,
        metadata={"list": kind, **told},
        actor=actor,
    )
    return Export(wanted.columns, _tell(wanted, storage, actor, filters))


async def _check_organization(storage: Storage, actor: Actor, id: str) -> None:
    if not actor.sees(id) or await storage.organizations.find_by_id(id) is None:
        raise NotFound("Organization not found")


async def _tell(
    wanted: Exportable, storage: Storage, actor: Actor, filters: ExportFilters
) -> AsyncGenerator[Rows]:
    async with aclosing(wanted.records(storage, actor, filters)) as pages:
        async for records in pages:
            yield tuple(_row(wanted.columns, record) for record in records)


def _row(columns: tuple[str, ...], record: msgspec.Struct) -> dict[str, Any]:
    return {name: _told(name, getattr(record, name)) for name in columns}


def _told(name: str, value: Any) -> Any:
    if name in WHEN:
        return None if value is None else spell_timestamp(value)
    return value
