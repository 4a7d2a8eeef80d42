"""porta api-resource: the APIs of an organization that tokens are for (RFC 8707)."""

from __future__ import annotations

from typing import Any

from porta.cli.nouns import Action, noun


def _action(name: str, method: str, **more: Any) -> Action:
    names = {"organization_id": "--org"}
    return Action(
        name, f"api_resources.{method}", options=("organization_id",), names=names, **more
    )


api_resource = noun(
    "api-resource",
    "Declare the APIs of an organization that tokens are for.",
    ("id", "identifier", "name", "status", "createdAt"),
    _action("list", "list"),
    _action("show", "get"),
    _action("create", "create"),
    _action("update", "update"),
    _action(
        "delete",
        "delete",
        asks="Delete {resource_id}, so that no token can be asked for it?",
        done="It is gone.",
    ),
)
