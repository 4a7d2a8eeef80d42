"""porta domain: domains that an organization has proven, and where their people sign in."""

from __future__ import annotations

from porta.cli.nouns import noun, of_organization

_action = of_organization("domains")

domain = noun(
    "domain",
    "Domains that an organization has proven, and where their people sign in.",
    ("id", "domain", "mode", "connectionId", "verifiedAt", "lapsedAt"),
    _action("list", "list"),
    _action("show", "get"),
    _action("create", "create"),
    _action("update", "update"),
    _action("verify", "verify"),
    _action(
        "delete",
        "delete",
        asks="Give {domain_id} up, so that nobody is led by it?",
        done="It is gone.",
    ),
)
