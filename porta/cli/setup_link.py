"""porta setup-link: links by which an organization's own people connect a provider, or a domain."""

from __future__ import annotations

from porta.cli.nouns import noun, of_organization

_action = of_organization("setup_links")

setup_link = noun(
    "setup-link",
    "Links by which an organization's own people connect their provider, or prove their domain.",
    ("id", "provider", "domainId", "status", "sentTo", "expiresAt"),
    _action("list", "list"),
    _action("create", "create"),
    _action(
        "delete",
        "delete",
        asks="End {setup_link_id}, and forget what was typed there?",
        done="It leads nowhere any more.",
    ),
)
