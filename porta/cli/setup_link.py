"""porta setup-link: links by which an organization's own people connect a provider, or a domain."""

from __future__ import annotations

from typing import Any

from porta.cli.nouns import Action, noun


def _action(name: str, method: str, **more: Any) -> Action:
    names = {"organization_id": "--org"}
    return Action(name, f"setup_links.{method}", options=("organization_id",), names=names, **more)


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
