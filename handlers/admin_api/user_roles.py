"""Which roles people hold, and what that permits them."""

from __future__ import annotations

from handlers.admin_api.application_permissions import Permission
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Items, Moment, Shown
from porta.services import user_roles
from porta.services.commands import Command
from porta.services.fields import Id, Ids
from porta.services.permissions import needed_by
from porta.services.user_roles import RoleIds
from storage.models.roles import Role as StoredRole

_BASE = "/organizations/{organizationId}/users/{userId}/roles"


class HeldRole(Shown):
    """A role that somebody holds; `role…` are the same under the names that some clients know."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None
    created_at: Moment
    updated_at: Moment
    user_id: str
    role_id: str
    role_name: str
    role_slug: str


class OneOrMoreRoles(Command):
    """Roles to be given: several, or one."""

    role_ids: Ids | None = None
    role_id: Id | None = None

    def wanted(self) -> RoleIds:
        """Return them all. Raises Invalid where there are none."""
        single = (self.role_id,) if self.role_id else ()
        return RoleIds.parse({"roleIds": [*(self.role_ids or ()), *single]})


def _shown(user_id: str, stored: StoredRole) -> HeldRole:
    names = ("id", "application_id", "name", "slug", "description", "created_at", "updated_at")
    told = {name: getattr(stored, name) for name in names}
    return HeldRole(
        **told, user_id=user_id, role_id=stored.id, role_name=stored.name, role_slug=stored.slug
    )


async def _list(call: Call) -> Answer:
    user_id, within = call.id("userId"), call.id("organizationId")
    found = await user_roles.list_roles(call.storage, call.actor, user_id, within=within)
    return Answer(Items(data=tuple(_shown(user_id, each) for each in found), total=len(found)))


async def _list_permissions(call: Call) -> Answer:
    found = await user_roles.list_permissions(
        call.storage, call.actor, call.id("userId"), within=call.id("organizationId")
    )
    return Answer(Items(data=tuple(map(Permission.model_validate, found)), total=len(found)))


async def _assign(call: Call) -> Answer:
    command = call.body_as(OneOrMoreRoles).wanted()
    await user_roles.assign(
        call.storage, call.actor, call.id("userId"), command, within=call.id("organizationId")
    )
    return Answer()


async def _remove(call: Call) -> Answer:
    command = call.body_as(OneOrMoreRoles).wanted()
    return await _take(call, command)


async def _remove_one(call: Call) -> Answer:
    return await _take(call, RoleIds(role_ids=(call.id("roleId"),)))


async def _take(call: Call, command: RoleIds) -> Answer:
    await user_roles.remove(
        call.storage, call.actor, call.id("userId"), command, within=call.id("organizationId")
    )
    return Answer()


ROUTES = (
    Route(
        "GET",
        _BASE,
        "List the roles that somebody holds, of every application",
        _list,
        permissions=needed_by(user_roles.list_roles),
        response=Items[HeldRole],
        delegable=True,
    ),
    *(
        Route(
            method,
            _BASE,
            "Give somebody roles",
            _assign,
            permissions=needed_by(user_roles.assign),
            request=OneOrMoreRoles,
            errors=(400,),
            delegable=True,
        )
        for method in ("PUT", "POST")
    ),
    Route(
        "DELETE",
        _BASE,
        "Take roles from somebody",
        _remove,
        permissions=needed_by(user_roles.remove),
        request=OneOrMoreRoles,
        errors=(400,),
        delegable=True,
    ),
    Route(
        "DELETE",
        f"{_BASE}/{{roleId}}",
        "Take one role from somebody",
        _remove_one,
        permissions=needed_by(user_roles.remove),
        errors=(400,),
        delegable=True,
    ),
    Route(
        "GET",
        f"{_BASE}/permissions",
        "List what somebody's roles permit",
        _list_permissions,
        permissions=needed_by(user_roles.list_permissions),
        response=Items[Permission],
        delegable=True,
    ),
)
