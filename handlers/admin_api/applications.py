"""Applications, which belong to no organization."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from handlers.admin_api import history
from handlers.admin_api.history import History, HistoryQuery
from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.route import Route
from handlers.admin_api.statuses import named, status_routes
from porta.administration.call import Answer, Call, Data, Moment, Shown
from porta.services import applications
from porta.services.applications import (
    ApplicationFilters,
    ApplicationPatch,
    NewApplication,
)
from porta.services.permissions import needed_by
from storage.models.applications import Application as Stored
from storage.models.audit import AuditFilter

_ONE = "/applications/{applicationId}"
_SortBy = Literal["name", "created_at", "createdAt"]


class Application(Shown):
    """What is registered: its clients, roles, permissions and claims hang on it."""

    id: str
    name: str
    slug: str
    description: str | None
    status: str
    created_at: Moment
    updated_at: Moment


class ApplicationBody(NewApplication):
    """An application to be made."""

    organization_id: str | None = Field(None, description="Not read: it belongs to none")


class ApplicationQuery(Sorting):
    """Which applications."""

    sort_by: _SortBy | None = None
    sort: _SortBy | None = None
    status: Literal["active", "inactive", "archived"] | None = None
    search: str | None = Field(None, max_length=100, description="A part of name or slug")


def _one(stored: Stored) -> Answer:
    return Answer(Data(data=Application.model_validate(stored)), version=stored.version)


async def _create(call: Call) -> Answer:
    said = call.body_as(ApplicationBody).said()
    said.pop("organization_id", None)
    command = NewApplication.parse(said)
    return _one(await applications.create(call.storage, call.actor, command))


async def _list(call: Call) -> Answer:
    query = call.query_as(ApplicationQuery)
    filters = ApplicationFilters.parse({"status": query.status, "search": query.search or None})
    page = page_of(call, query)
    listed = await applications.list(call.storage, call.actor, page, filters)
    return Answer(listing(call, query, page, listed, Application.model_validate))


async def _get(call: Call) -> Answer:
    return _one(await applications.get(call.storage, call.actor, call.path["applicationId"]))


async def _update(call: Call) -> Answer:
    patch, target = call.body_as(ApplicationPatch), call.path["applicationId"]
    return _one(await applications.update(call.storage, call.actor, target, patch, call.version))


async def _history(call: Call) -> Answer:
    found = await applications.get(call.storage, call.actor, call.path["applicationId"])
    return await history.answer(call, AuditFilter(application_id=found.id))


ROUTES = (
    Route(
        "POST",
        "/applications",
        "Make an application",
        _create,
        permissions=needed_by(applications.create),
        request=ApplicationBody,
        response=Data[Application],
        status=201,
        errors=(400, 409),
    ),
    Route(
        "GET",
        "/applications",
        "List applications",
        _list,
        permissions=needed_by(applications.list),
        query=ApplicationQuery,
        response=Listing[Application],
        delegable=True,
    ),
    Route(
        "GET",
        _ONE,
        "Read an application, by id or slug",
        _get,
        permissions=needed_by(applications.get),
        response=Data[Application],
        delegable=True,
    ),
    *(
        Route(
            method,
            _ONE,
            "Change an application",
            _update,
            permissions=needed_by(applications.update),
            request=ApplicationPatch,
            response=Data[Application],
            errors=(400, 412),
        )
        for method in ("PUT", "PATCH")
    ),
    *status_routes(
        _ONE,
        named("applicationId"),
        (
            ("activate", "Make an inactive application active", applications.activate),
            ("restore", "The same, as some clients call it", applications.activate),
            ("deactivate", "Refuse its clients, and end what they hold", applications.deactivate),
            ("archive", "Archive an application for good", applications.archive),
        ),
        delegable=False,
    ),
    Route(
        "GET",
        f"{_ONE}/history",
        "Tell what happened to an application",
        _history,
        permissions=needed_by(applications.get),
        query=HistoryQuery,
        response=History,
    ),
)
