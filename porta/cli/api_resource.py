"""porta api-resource: the APIs of an organization that tokens are for (RFC 8707)."""

from __future__ import annotations

from porta.cli.nouns import noun, of_organization

_action = of_organization("api_resources")

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
