"""porta keys from another machine: the signing keys over the Admin API."""

from __future__ import annotations

from porta.cli.nouns import Action, noun

_ORG = {"organization_id": "--organization"}

remote_keys = noun(
    "keys",
    "",
    ("kid", "algorithm", "organizationId", "status", "signsFrom", "leavesAt"),
    Action("list", "keys.list"),
    Action("generate", "keys.generate", names=_ORG),
    Action("rotate", "keys.rotate", names=_ORG, asks="Rotate these signing keys?"),
    Action(
        "revoke",
        "keys.revoke",
        asks="Revoke signing key {kid} for good?",
        names={"force": "--even-the-last"},
        done="It is revoked.",
    ),
)
