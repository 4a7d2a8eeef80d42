"""Roles of applications: defined, given permissions, held by people."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.application_permissions import MANY, DefinitionQuery, ForceQuery, Permission
from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Items, Moment, Nothing, Shown
from porta.services import application_permissions, roles, user_roles
from porta.services.definitions import Deletion
from porta.services.fields import Id
from porta.services.permissions import needed_by
from porta.services.roles import NewRole, PermissionIds, RolePatch
from storage.models.roles import Role as StoredRole

_ROLES = "/applications/{applicationId}/roles"
_PERMISSION = "/applications/{applicationId}/permissions/{permissionId}"
_ROLE = f"{_ROLES}/{{roleId}}"


class Role(Shown):
    """What people of an application may be."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None
    created_at: Moment
    updated_at: Moment


class Holder(Shown):
    """Who holds a role, and who gave it."""

    user_id: str
    role_id: str
    assigned_by: str | None
    created_at: Moment


class HolderQuery(Sorting):
    """Of which organization."""

    org_id: Id = Field(description="The organization whose people are listed")


def _role(stored: StoredRole) -> Answer:
    return Answer(Data(data=Role.model_validate(stored)), version=stored.version)


async def _create(call: Call) -> Answer:
    owner, command = call.path["applicationId"], call.body_as(NewRole)
    return _role(await roles.create(call.storage, call.actor, owner, command))


async def _list(call: Call) -> Answer:
    query = call.query_as(DefinitionQuery)
    page = page_of(call, query, default=MANY, sort="name", order="asc")
    listed = await roles.list(call.storage, call.actor, call.path["applicationId"], page)
    return Answer(listing(call, query, page, listed, Role.model_validate))


async def _get(call: Call) -> Answer:
    owner, target = call.path["applicationId"], call.path["roleId"]
    return _role(await roles.get(call.storage, call.actor, owner, target))


async def _update(call: Call) -> Answer:
    owner, target, patch = call.path["applicationId"], call.path["roleId"], call.body_as(RolePatch)
    return _role(await roles.update(call.storage, call.actor, owner, target, patch, call.version))


async def _delete(call: Call) -> Answer:
    command = Deletion(force=call.query_as(ForceQuery).force)
    owner, target = call.path["applicationId"], call.path["roleId"]
    await roles.delete(call.storage, call.actor, owner, target, command, call.version)
    return Answer()


async def _list_granted(call: Call) -> Answer:
    owner, target = call.path["applicationId"], call.path["roleId"]
    found = await roles.list_granted(call.storage, call.actor, owner, target)
    return Answer(Items(data=tuple(map(Permission.model_validate, found)), total=len(found)))


async def _grant(call: Call) -> Answer:
    owner, target = call.path["applicationId"], call.path["roleId"]
    await roles.grant(call.storage, call.actor, owner, target, call.body_as(PermissionIds))
    return Answer()


async def _revoke(call: Call) -> Answer:
    owner, target = call.path["applicationId"], call.path["roleId"]
    await roles.revoke(call.storage, call.actor, owner, target, call.body_as(PermissionIds))
    return Answer()


async def _list_holders(call: Call) -> Answer:
    query = call.query_as(HolderQuery)
    page = page_of(call, query)
    listed = await user_roles.list_holders(
        call.storage, call.actor, call.path["applicationId"], call.path["roleId"], page,
        query.org_id,
    )  # fmt: skip
    return Answer(listing(call, query, page, listed, Holder.model_validate))


async def _list_roles_with(call: Call) -> Answer:
    owner, target = call.path["applicationId"], call.path["permissionId"]
    found = await application_permissions.list_roles_with(call.storage, call.actor, owner, target)
    return Answer(Items(data=tuple(map(Role.model_validate, found)), total=len(found)))


ROUTES = (
    Route(
        "POST",
        _ROLES,
        "Make a role of an application",
        _create,
        permissions=needed_by(roles.create),
        request=NewRole,
        response=Data[Role],
        status=201,
        errors=(409,),
    ),
    Route(
        "GET",
        _ROLES,
        "List the roles of an application",
        _list,
        permissions=needed_by(roles.list),
        query=DefinitionQuery,
        response=Listing[Role],
        delegable=True,
    ),
    Route(
        "GET",
        _ROLE,
        "Read a role, by id or slug",
        _get,
        permissions=needed_by(roles.get),
        response=Data[Role],
        delegable=True,
    ),
    *(
        Route(
            method,
            _ROLE,
            "Change a role",
            _update,
            permissions=needed_by(roles.update),
            request=RolePatch,
            response=Data[Role],
            errors=(400, 409, 412),
        )
        for method in ("PUT", "PATCH")
    ),
    Route(
        "DELETE",
        _ROLE,
        "Delete a role; where people hold it, with `force` alone",
        _delete,
        permissions=needed_by(roles.delete),
        query=ForceQuery,
        errors=(409, 412),
    ),
    Route(
        "POST",
        f"{_ROLE}/archive",
        "The same, as some clients call it",
        _delete,
        permissions=needed_by(roles.delete),
        query=ForceQuery,
        request=Nothing,
        optional_body=True,
        errors=(409, 412),
    ),
    Route(
        "GET",
        f"{_ROLE}/permissions",
        "List what a role permits",
        _list_granted,
        permissions=needed_by(roles.list_granted),
        response=Items[Permission],
        delegable=True,
    ),
    Route(
        "PUT",
        f"{_ROLE}/permissions",
        "Let a role permit more",
        _grant,
        permissions=needed_by(roles.grant),
        request=PermissionIds,
        errors=(400,),
    ),
    Route(
        "DELETE",
        f"{_ROLE}/permissions",
        "Let a role permit less",
        _revoke,
        permissions=needed_by(roles.revoke),
        request=PermissionIds,
        errors=(400, 409),
    ),
    Route(
        "GET",
        f"{_ROLE}/users",
        "List who holds a role in an organization",
        _list_holders,
        permissions=needed_by(user_roles.list_holders),
        query=HolderQuery,
        response=Listing[Holder],
        delegable=True,
    ),
    Route(
        "GET",
        f"{_PERMISSION}/roles",
        "List the roles that have a permission",
        _list_roles_with,
        permissions=needed_by(application_permissions.list_roles_with),
        response=Items[Role],
        delegable=True,
    ),
)
