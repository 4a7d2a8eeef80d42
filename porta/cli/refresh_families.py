"""porta refresh-families: who lets which client act for them for long, over the Admin API."""

from __future__ import annotations

from porta.cli.nouns import Action, noun

refresh_families = noun(
    "refresh-families",
    "Show who lets which client act for them for long, and end it.",
    ("id", "userId", "clientId", "scopes", "lastUsedAt", "expiresAt"),
    Action("list", "refresh_families.list"),
    Action("show", "refresh_families.get"),
    Action(
        "revoke",
        "refresh_families.delete",
        asks="End {family_id}, its access tokens too?",
        done="It has ended.",
    ),
)
