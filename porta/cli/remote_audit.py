"""porta audit from any machine: the trail read, and shortened, over the Admin API."""

from __future__ import annotations

from porta.cli.nouns import Action, noun

remote_audit = noun(
    "audit",
    "",
    ("createdAt", "eventType", "actorId", "userId", "organizationId", "ipAddress"),
    Action("list", "audit.list"),
    Action(
        "cleanup",
        "audit.cleanup",
        asks="Delete entries of the trail for good?",
    ),
)
