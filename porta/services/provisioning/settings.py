"""Step: settings of the system."""

from __future__ import annotations

import math
from typing import Any

from porta.audit import events
from porta.config.system import Config, convert_setting
from porta.errors import Invalid
from porta.services.provisioning.run import Run
from porta.text.suggestions import did_you_mean

_PROTECTED = frozenset({"super_admin_user_id", "way_back"})
_KNOWN = frozenset(Config.__struct_fields__)
_DURATIONS = ("_ttl", "_duration", "_seconds", "_lead", "_grace")


async def provision_settings(run: Run, config: dict[str, Any]) -> None:
    """Set what the file says. A setting is no entity: merging sets it too, where it differs."""
    if not config:
        return
    rows = await run.storage.system_config.all()
    for key, value in config.items():
        with run.at("config", key):
            check_setting(key, value)
            if key not in _KNOWN and key not in rows:
                meant = did_you_mean(key, sorted(_KNOWN - _PROTECTED))
                raise Invalid(f"is not a setting that can be provisioned{meant}")
            wanted = _converted(key, value)
            if key in rows and _same(key, rows[key], wanted):
                run.skipped("config", key)
                continue
            await run.storage.system_config.put(key, wanted, _type_of(key, wanted, rows.get(key)))
            await events.record(
                run.storage, "config.updated", metadata={"key": key}, actor=run.actor
            )
            if key in rows:
                run.updated("config", key, "", ("value",))
            else:
                run.created("config", key)


def check_setting(key: str, value: Any) -> None:
    """Raise Invalid unless a file may set `key` to `value`, as far as no database is asked."""
    if key in _PROTECTED:
        raise Invalid("is not a setting that can be provisioned")
    _converted(key, value)


def _converted(key: str, value: Any) -> Any:
    """Return the value as the type that the setting has. Raises Invalid.

    A setting of Porta 1.x that this version has no use for is kept as it is.
    """
    if key in _KNOWN:
        return convert_setting(key, value)
    if not isinstance(value, bool | int | float | str):
        raise Invalid("must be a text, a number, true or false")
    if not isinstance(value, bool | str) and not 0 <= value < math.inf:
        raise Invalid("must be a number that is not negative")
    return value


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
