"""porta config: the settings of an installation, over the Admin API."""

from __future__ import annotations

from typing import Any

import click

from porta.admin_client import AdminClient
from porta.admin_client.resources.config import Setting, Value
from porta.cli.nouns import Action, Given, noun


async def _set(admin: AdminClient, given: Given) -> Setting:
    """A value is typed as text; the server knows which kind it is."""
    return await admin.config.set(given["key"], Value(value=given["value"]))


_COLUMNS: tuple[Any, ...] = ("key", "value", "updatedAt")

config = noun(
    "config",
    "Show and change the settings of an installation.",
    _COLUMNS,
    Action("list", "config.list"),
    Action("get", "config.get"),
    Action("set", "config.set", only=(), run=_set, further=(click.Argument(["value"]),)),
)
