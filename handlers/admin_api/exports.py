"""Exports: lists as files of JSON or CSV, sent while they are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import Field, create_model

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Shown
from porta.administration.downloads import Format, download
from porta.services import exports
from porta.services.commands import Command
from porta.services.export_lists import EXPORTS, PERMISSION, Exportable, ExportFilters
from porta.services.permissions import needed_by
from porta.services.provisioning.describe import describe

CSV = "text/csv"
_TITLES = {"audit": "the audit trail"}


class ExportQuery(Command):
    """As which file."""

    format: Format = Field("json", description="Of CSV no cell is a formula")


class ExportedRows(Shown):
    """The file as JSON: rows with their columns, by the names of the database."""

    data: tuple[dict[str, Any], ...]
    exported_at: str
    total: int


def _query(kind: str, wanted: Exportable) -> type[Command]:
    fields = {name: ExportFilters.model_fields[name] for name in wanted.filters}
    given: dict[str, Any] = {name: (field.annotation, field) for name, field in fields.items()}
    return create_model(f"{kind.title()}ExportQuery", __base__=ExportQuery, **given)


def _run(kind: str) -> Callable[[Call], Awaitable[Answer]]:
    async def run(call: Call) -> Answer:
        query = call.query_as(ExportQuery)
        said = query.model_dump(exclude={"format"}, exclude_unset=True)
        filters = ExportFilters(**said)
        found = await exports.export(call.storage, call.actor, kind, filters)
        return Answer(download=download(found, kind, query.format, call.runtime.clock()))

    return run


def _route(kind: str, wanted: Exportable) -> Route:
    named = {"organization_id", "application_id"} & set(wanted.filters)
    return Route(
        "GET",
        f"/export/{kind}",
        f"Export {_TITLES.get(kind, kind)} as a file",
        _run(kind),
        permissions=(PERMISSION, *wanted.permissions),
        query=_query(kind, wanted),
        response=ExportedRows,
        text_type=CSV,
        errors=(404,) if named else (),
        delegable=True,
    )


class ConfigurationQuery(Command):
    """How much of an organization."""

    people: bool = Field(False, description="Whether its people are in it too")


class ProvisioningDocument(Shown):
    """A file that `porta provision` and `POST /import` read (docs/provisioning.md)."""

    version: str
    organizations: tuple[dict[str, Any], ...]


async def _describe(call: Call) -> Answer:
    people = call.query_as(ConfigurationQuery).people
    found = await describe(call.storage, call.actor, call.path["idOrSlug"], with_people=people)
    return Answer(ProvisioningDocument(**found))


ROUTES = (
    Route(
        "GET",
        "/organizations/{idOrSlug}/configuration",
        "Export an organization as a provisioning file, without secrets",
        _describe,
        permissions=needed_by(describe),
        query=ConfigurationQuery,
        response=ProvisioningDocument,
        delegable=True,
    ),
    *(_route(kind, wanted) for kind, wanted in EXPORTS.items()),
)
