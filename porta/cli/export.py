"""porta export: lists as files of CSV or JSON, over the Admin API."""

from __future__ import annotations

from porta.cli.nouns import Action, noun

_LISTS = ("organizations", "applications", "clients", "users", "roles", "permissions", "claims")
_NAMES = {"organization_id": "--org", "application_id": "--app"}

export = noun(
    "export",
    "Write lists to files, as CSV or JSON; to standard output without --output.",
    (),
    *(Action(each, f"export.{each}", names=_NAMES) for each in (*_LISTS, "audit")),
    Action(
        "configuration",
        "organizations.configuration",
        says="Write an organization as a provisioning file, without secrets, to standard output.",
    ),
)
