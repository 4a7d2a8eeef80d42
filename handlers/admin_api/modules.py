"""Modules of applications, by which permissions are grouped."""

from __future__ import annotations

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Items, Moment, Shown
from porta.services import applications
from porta.services.applications import (
    ModulePatch,
    NewModule,
)
from porta.services.commands import Reasoned
from porta.services.permissions import needed_by
from storage.models.applications import ApplicationModule

_MODULES = "/applications/{applicationId}/modules"
_ONE = f"{_MODULES}/{{moduleId}}"


class Module(Shown):
    """A part of an application, by which its permissions are grouped."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None
    status: str
    is_active: bool
    created_at: Moment
    updated_at: Moment


def _shown(stored: ApplicationModule) -> Module:
    told = {name: getattr(stored, name) for name in Module.model_fields if name != "is_active"}
    return Module(**told, is_active=stored.status == "active")


def _one(stored: ApplicationModule) -> Answer:
    return Answer(Data(data=_shown(stored)), version=stored.version)


async def _create(call: Call) -> Answer:
    command, owner = call.body_as(NewModule), call.path["applicationId"]
    return _one(await applications.create_module(call.storage, call.actor, owner, command))


async def _list(call: Call) -> Answer:
    owner = call.path["applicationId"]
    found = await applications.list_modules(call.storage, call.actor, owner)
    return Answer(Items(data=tuple(map(_shown, found)), total=len(found)))


async def _get(call: Call) -> Answer:
    owner, target = call.path["applicationId"], call.path["moduleId"]
    return _one(await applications.get_module(call.storage, call.actor, owner, target))


async def _changed(call: Call, patch: ModulePatch) -> ApplicationModule:
    owner, target = call.path["applicationId"], call.path["moduleId"]
    return await applications.update_module(
        call.storage, call.actor, owner, target, patch, call.version
    )


async def _update(call: Call) -> Answer:
    return _one(await _changed(call, call.body_as(ModulePatch)))


async def _deactivate(call: Call) -> Answer:
    await _changed(call, ModulePatch(status="inactive"))
    return Answer()


ROUTES = (
    Route(
        "POST",
        _MODULES,
        "Make a module of an application",
        _create,
        permissions=needed_by(applications.create_module),
        request=NewModule,
        response=Data[Module],
        status=201,
        errors=(409,),
    ),
    Route(
        "GET",
        _MODULES,
        "List the modules of an application",
        _list,
        permissions=needed_by(applications.list_modules),
        response=Items[Module],
        delegable=True,
    ),
    Route(
        "GET",
        _ONE,
        "Read a module",
        _get,
        permissions=needed_by(applications.get_module),
        response=Data[Module],
        delegable=True,
    ),
    *(
        Route(
            method,
            _ONE,
            "Change a module",
            _update,
            permissions=needed_by(applications.update_module),
            request=ModulePatch,
            response=Data[Module],
            errors=(412,),
        )
        for method in ("PUT", "PATCH")
    ),
    Route(
        "POST",
        f"{_ONE}/deactivate",
        "Deactivate a module",
        _deactivate,
        permissions=needed_by(applications.update_module),
        request=Reasoned,
        optional_body=True,
        errors=(412,),
    ),
    Route(
        "DELETE",
        _ONE,
        "The same, as some clients call it",
        _deactivate,
        permissions=needed_by(applications.update_module),
        errors=(412,),
    ),
)
