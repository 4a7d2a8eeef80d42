"""System settings as administrators handle them: typed, in their ranges, changes recorded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from porta.audit import events
from porta.audit.actors import Actor
from porta.config.system import Config, convert_setting
from porta.errors import Invalid, NotFound
from porta.services.permissions import needs
from porta.services.targets import require
from storage.models.settings import Setting

if TYPE_CHECKING:
    from storage.router import Storage

PROTECTED = frozenset({"super_admin_user_id", "way_back"})
"""Whom nobody can lock out, and whether Porta 1.x may come back: commands of the server's own."""
KNOWN = frozenset(Config.__struct_fields__)
_DURATIONS = ("_ttl", "_duration", "_seconds", "_lead", "_grace")
WHAT = "Config key"
_DEFAULTS = Config()


@needs("admin:config:read", unbound=True)
async def list_all(storage: Storage, actor: Actor) -> tuple[Setting, ...]:
    """Return every setting by its key, those without a row with their defaults."""
    del actor
    stored = {row.key: row for row in await storage.system_config.rows()}
    return tuple(
        _typed(stored[key]) if key in stored else _default(key)
        for key in sorted(KNOWN | stored.keys())
    )


@needs("admin:config:read", unbound=True)
async def get(storage: Storage, actor: Actor, key: str) -> Setting:
    """Return a setting. Raises NotFound."""
    return await _get(storage, key)


@needs("admin:config:update", unbound=True)
async def put(
    storage: Storage, actor: Actor, key: str, value: Any, version: int | None = None
) -> Setting:
    """Set a setting, and return it. Raises NotFound, PreconditionFailed where it is of another
    `version` than the one that was read, and Invalid for a value it cannot have.

    Porta 1.x sent every value as text: "3600" is taken for the number where it is one.
    """
    async with storage.transaction() as tx:
        await tx.system_config.hold(key)
        before = require(await _get(tx, key), WHAT, version)
        if key not in KNOWN or key in PROTECTED:
            raise Invalid.at("value", message="this setting cannot be changed here")
        try:
            wanted = converted(key, value)
        except Invalid as refusal:
            raise Invalid.at("value", message=refusal.message) from None
        if before.value != wanted or before.updated_at is None:
            await tx.system_config.put(key, wanted, before.value_type)
            told = {"key": key, "before": before.value, "after": wanted}
            await events.record(tx, "config.updated", metadata=told, actor=actor)
        return await _get(tx, key)


async def _get(storage: Storage, key: str) -> Setting:
    found = {row.key: row for row in await storage.system_config.rows(key)}
    if key in found:
        return _typed(found[key])
    if key in KNOWN:
        return _default(key)
    raise NotFound(f"Config key not found: {key}")


def _default(key: str) -> Setting:
    value = getattr(_DEFAULTS, key)
    return Setting(key=key, value=value, value_type=type_of(key, value, None))


def _typed(row: Setting) -> Setting:
    """Return a row with its value as the type that the setting has, where it can have it."""
    try:
        return msgspec.structs.replace(row, value=converted(row.key, row.value))
    except Invalid:
        return row


def converted(key: str, value: Any) -> Any:
    """Return the value as the type that the setting has. Raises Invalid.

    A setting of Porta 1.x that this version has no use for is kept as it is.
    """
    if key in KNOWN:
        return convert_setting(key, value)
    if not isinstance(value, bool | int | float | str):
        raise Invalid("must be a text, a number, true or false")
    if not isinstance(value, bool | str) and not 0 <= value < math.inf:
        raise Invalid("must be a number that is not negative")
    return value


def type_of(key: str, value: Any, stored: Any) -> str:
    """Return the `value_type` of system_config: durations are those that 1.x keeps as digits."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str) and not (isinstance(stored, str) and value.isdecimal()):
        return "string"
    if isinstance(stored, str) or (stored is None and key.endswith(_DURATIONS)):
        return "duration"
    return "number"
