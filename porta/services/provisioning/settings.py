"""Step: settings of the system."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from porta import events
from porta.config import Config
from porta.errors import Invalid
from porta.services.provisioning.run import Run

_PROTECTED = frozenset({"super_admin_user_id"})
_TYPES = {field.encode_name: field.type for field in msgspec.structs.fields(Config)}
_DURATIONS = ("_ttl", "_duration", "_seconds", "_lead", "_grace")


async def provision_settings(run: Run, config: dict[str, Any]) -> None:
    """Set what the file says. A setting is no entity: merging sets it too, where it differs."""
    if not config:
        return
    rows = await run.storage.system_config.all()
    for key, value in config.items():
        with run.at("config", key):
            if key in _PROTECTED or (key not in _TYPES and key not in rows):
                raise Invalid("is not a setting that can be provisioned")
            wanted = _converted(key, value)
            if key in rows and _same(key, rows[key], wanted):
                run.skipped("config", key)
                continue
            await run.storage.system_config.put(key, wanted, _type_of(key, wanted, rows.get(key)))
            happened = events.event("config.updated", metadata={"key": key}, actor=run.actor)
            await events.record(run.storage, happened)
            if key in rows:
                run.updated("config", key, "", ("value",))
            else:
                run.created("config", key)


def _converted(key: str, value: Any) -> Any:
    """Return the value as the type that the setting has; "3600" counts as 3600, as in 1.x.

    Raises Invalid for what cannot be that type, and for a negative number.
    """
    try:
        converted = msgspec.convert(value, _TYPES.get(key, type(value)), strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from None
    if not isinstance(converted, bool | str) and not 0 <= converted < math.inf:
        raise Invalid("must be a number that is not negative")
    return converted


def _same(key: str, stored: Any, wanted: Any) -> bool:
    """Whether `stored` means what `wanted` does: "3600" is 3600."""
    try:
        return str(_converted(key, stored)) == str(wanted)
    except Invalid:
        return False


def _type_of(key: str, value: Any, stored: Any) -> str:
    """Return the `value_type` of system_config: durations are those that 1.x keeps as digits."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str) and not (isinstance(stored, str) and value.isdecimal()):
        return "string"
    if isinstance(stored, str) or (stored is None and key.endswith(_DURATIONS)):
        return "duration"
    return "number"
