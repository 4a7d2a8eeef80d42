"""porta user: how a person signs in: passkeys, devices, identities at other providers."""

from __future__ import annotations

from typing import Any

from porta.cli.nouns import Action, noun

ORG = {"organization_id": "--org"}
WITHIN = ("organization_id",)


def action(name: str, method: str = "", **more: Any) -> Action:
    """Return the command for a method of `users`, by default that of its name."""
    calls = f"users.{method or name.replace('-', '_')}"
    return Action(name, calls, options=WITHIN, names=ORG, **more)


passkeys = noun(
    "passkeys",
    "Show the passkeys of a person, call them by another name, take them away.",
    ("id", "name", "backedUp", "createdAt", "lastUsedAt"),
    action("list", "passkeys"),
    action("show", "get_passkey"),
    action("rename", "update_passkey"),
    action(
        "remove",
        "delete_passkey",
        asks="Take {passkey_id} from {user_id}, and end what they hold?",
        done="It opens nothing any more.",
    ),
)
devices = noun(
    "devices",
    "Show the devices at which a person is not asked for a second factor, and have it asked there.",
    ("id", "userAgent", "ipAddress", "createdAt", "lastUsedAt", "expiresAt"),
    action("list", "trusted_devices"),
    action(
        "remove",
        "delete_trusted_device",
        asks="Have {user_id} asked for a second factor at {device_id} again?",
        done="It is trusted no more.",
    ),
)
identities = noun(
    "identities",
    "Show who a person is at other providers, take one of them away.",
    ("id", "connectionName", "email", "name", "lastUsedAt"),
    action("list", "identities"),
    action(
        "unlink",
        "delete_identity",
        asks="Have {user_id} be nobody there any more, also if they get in by nothing else?",
        done="They do not get in by it any more.",
    ),
)
