"""Step: settings of the system."""

from __future__ import annotations

from typing import Any

from porta.audit import events
from porta.errors import Invalid
from porta.services.provisioning.run import Run
from porta.services.system_settings import KNOWN, PROTECTED, converted, type_of
from porta.text.suggestions import did_you_mean


async def provision_settings(run: Run, config: dict[str, Any]) -> None:
    """Set what the file says. A setting is no entity: merging sets it too, where it differs."""
    if not config:
        return
    with run.at("config"):
        run.actor.check("admin:config:update")
        run.actor.check_unbound()
        await _provision(run, config)


async def _provision(run: Run, config: dict[str, Any]) -> None:
    rows = await run.storage.system_config.all()
    for key, value in config.items():
        with run.at("config", key):
            check_setting(key, value)
            if key not in KNOWN and key not in rows:
                meant = did_you_mean(key, sorted(KNOWN - PROTECTED))
                raise Invalid(f"is not a setting that can be provisioned{meant}")
            wanted = converted(key, value)
            if key in rows and _same(key, rows[key], wanted):
                run.skipped("config", key)
                continue
            await run.storage.system_config.put(key, wanted, type_of(key, wanted, rows.get(key)))
            await events.record(
                run.storage, "config.updated", metadata={"key": key}, actor=run.actor
            )
            if key in rows:
                run.updated("config", key, "", ("value",))
            else:
                run.created("config", key)


def check_setting(key: str, value: Any) -> None:
    """Raise Invalid unless a file may set `key` to `value`, as far as no database is asked."""
    if key in PROTECTED:
        raise Invalid("is not a setting that can be provisioned")
    converted(key, value)


def _same(key: str, stored: Any, wanted: Any) -> bool:
    """Whether `stored` means what `wanted` does: "3600" is 3600."""
    try:
        return str(converted(key, stored)) == str(wanted)
    except Invalid:
        return False
