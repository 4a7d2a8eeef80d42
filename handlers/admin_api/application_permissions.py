"""Permissions of applications: what roles may permit, defined."""

from __future__ import annotations

from typing import Literal

from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Nothing, Shown
from porta.services import application_permissions
from porta.services.application_permissions import NewPermission, PermissionFilters, PermissionPatch
from porta.services.commands import Command
from porta.services.definitions import Deletion
from porta.services.fields import Id
from porta.services.permissions import needed_by
from storage.models.roles import Permission as StoredPermission

_SortBy = Literal["name", "slug", "created_at", "createdAt"]
_ALL = "/applications/{applicationId}/permissions"
_ONE = f"{_ALL}/{{permissionId}}"
MANY = 100
"""Porta 1.x lists all of them: as many as one page may have, in the order that it had."""


class DefinitionQuery(Sorting):
    """In which order, and which page."""

    sort_by: _SortBy | None = None
    sort: _SortBy | None = None


class ForceQuery(Command):
    """Whether what others refer to goes all the same."""

    force: bool = False


class Permission(Shown):
    """What a role may permit."""

    id: str
    application_id: str
    module_id: str | None
    name: str
    slug: str
    description: str | None
    created_at: Moment


class PermissionQuery(DefinitionQuery):
    """Which permissions."""

    module_id: Id | None = None


def _one(stored: StoredPermission) -> Answer:
    return Answer(Data(data=Permission.model_validate(stored)), version=stored.version)


async def _create(call: Call) -> Answer:
    owner, command = call.path["applicationId"], call.body_as(NewPermission)
    return _one(await application_permissions.create(call.storage, call.actor, owner, command))


async def _list(call: Call) -> Answer:
    query = call.query_as(PermissionQuery)
    page = page_of(call, query, default=MANY, sort="slug", order="asc")
    filters = PermissionFilters(module_id=query.module_id)
    owner = call.path["applicationId"]
    listed = await application_permissions.list(call.storage, call.actor, owner, page, filters)
    return Answer(listing(call, query, page, listed, Permission.model_validate))


async def _get(call: Call) -> Answer:
    owner, target = call.path["applicationId"], call.path["permissionId"]
    return _one(await application_permissions.get(call.storage, call.actor, owner, target))


async def _update(call: Call) -> Answer:
    owner, target = call.path["applicationId"], call.path["permissionId"]
    patch = call.body_as(PermissionPatch)
    return _one(
        await application_permissions.update(
            call.storage, call.actor, owner, target, patch, call.version
        )
    )


async def _delete(call: Call) -> Answer:
    command = Deletion(force=call.query_as(ForceQuery).force)
    owner, target = call.path["applicationId"], call.path["permissionId"]
    await application_permissions.delete(
        call.storage, call.actor, owner, target, command, call.version
    )
    return Answer()


ROUTES = (
    Route(
        "POST",
        _ALL,
        "Make a permission of an application",
        _create,
        permissions=needed_by(application_permissions.create),
        request=NewPermission,
        response=Data[Permission],
        status=201,
        errors=(400, 409),
    ),
    Route(
        "GET",
        _ALL,
        "List the permissions of an application",
        _list,
        permissions=needed_by(application_permissions.list),
        query=PermissionQuery,
        response=Listing[Permission],
        delegable=True,
    ),
    Route(
        "GET",
        _ONE,
        "Read a permission, by id or slug",
        _get,
        permissions=needed_by(application_permissions.get),
        response=Data[Permission],
        delegable=True,
    ),
    *(
        Route(
            method,
            _ONE,
            "Change a permission",
            _update,
            permissions=needed_by(application_permissions.update),
            request=PermissionPatch,
            response=Data[Permission],
            errors=(412,),
        )
        for method in ("PUT", "PATCH")
    ),
    Route(
        "DELETE",
        _ONE,
        "Delete a permission; where roles have it, with `force` alone",
        _delete,
        permissions=needed_by(application_permissions.delete),
        query=ForceQuery,
        errors=(409, 412),
    ),
    Route(
        "POST",
        f"{_ONE}/archive",
        "The same, as some clients call it",
        _delete,
        permissions=needed_by(application_permissions.delete),
        query=ForceQuery,
        request=Nothing,
        optional_body=True,
        errors=(409, 412),
    ),
)
