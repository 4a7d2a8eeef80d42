"""System settings: read, and changed."""

from __future__ import annotations

from typing import Any

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Items, Moment, Shown
from porta.services import system_settings
from porta.services.commands import Command
from porta.services.permissions import needed_by
from storage.models.settings import Setting as StoredSetting

_HIDDEN = "***"


class Setting(Shown):
    """A setting of the system."""

    key: str
    value: Any
    """`***` where it is sensitive."""
    value_type: str
    description: str | None
    is_sensitive: bool
    updated_at: Moment | None
    """null for a default."""


class Value(Command):
    """What a setting is to be: of its type, or the same as text."""

    value: bool | int | str


def _shown(setting: StoredSetting) -> Setting:
    return Setting(
        key=setting.key,
        value=_HIDDEN if setting.is_sensitive else setting.value,
        value_type=setting.value_type,
        description=setting.description,
        is_sensitive=setting.is_sensitive,
        updated_at=setting.updated_at,
    )


async def _list(call: Call) -> Answer:
    found = await system_settings.list_all(call.storage, call.actor)
    return Answer(Items(data=tuple(map(_shown, found)), total=len(found)))


async def _get(call: Call) -> Answer:
    found = await system_settings.get(call.storage, call.actor, call.path["key"])
    return Answer(Data(data=_shown(found)), version=found.version)


async def _put(call: Call) -> Answer:
    value = call.body_as(Value).value
    found = await system_settings.put(
        call.storage, call.actor, call.path["key"], value, call.version
    )
    return Answer(Data(data=_shown(found)), version=found.version)


ROUTES = (
    Route(
        "GET",
        "/config",
        "List every setting, those that were never set with their defaults",
        _list,
        permissions=needed_by(system_settings.list_all),
        response=Items[Setting],
    ),
    Route(
        "GET",
        "/config/{key}",
        "Read a setting",
        _get,
        permissions=needed_by(system_settings.get),
        response=Data[Setting],
    ),
    Route(
        "PUT",
        "/config/{key}",
        "Change a setting; it takes effect within a minute, as a rule within a second",
        _put,
        permissions=needed_by(system_settings.put),
        request=Value,
        response=Data[Setting],
        errors=(412,),
    ),
)
