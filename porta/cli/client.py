"""porta client: OAuth clients and their secrets, over the Admin API."""

from __future__ import annotations

from porta.cli.nouns import Action, Given, noun

_NAMES = {
    "organization_id": "--org",
    "application_id": "--app",
    "client_name": "--name",
    "client_type": "--type",
}
_HISTORY = ("createdAt", "eventType", "actorId", "metadata")


def _inherit(given: Given) -> None:
    """`inherit` of Porta 1.x: the login methods are those of the organization."""
    if given.get("login_methods") == ("inherit",):
        given["login_methods"] = None


client = noun(
    "client",
    "Register, change and revoke the clients that sign people in.",
    ("id", "clientId", "clientName", "clientType", "status", "createdAt"),
    Action("list", "clients.list", names=_NAMES),
    Action("show", "clients.get"),
    Action("create", "clients.create", names=_NAMES, prepare=_inherit),
    Action("update", "clients.update", names=_NAMES, prepare=_inherit),
    Action("activate", "clients.activate", done="It is active."),
    Action(
        "deactivate",
        "clients.deactivate",
        asks="Deactivate {client_id}, and end what it holds?",
        done="It is inactive.",
    ),
    Action(
        "revoke",
        "clients.revoke",
        asks="Revoke {client_id} for good?",
        done="It is revoked.",
    ),
    Action("history", "clients.history", columns=_HISTORY),
)

_secret = noun(
    "secret",
    "Make, list and revoke the secrets of a client.",
    ("id", "label", "status", "lastUsedAt", "expiresAt", "createdAt"),
    Action("list", "client_secrets.list"),
    Action("generate", "client_secrets.create", only=("label", "expires_at")),
    Action(
        "revoke",
        "client_secrets.revoke",
        asks="Revoke the secret {secret_id} for good?",
        done="It is revoked.",
    ),
)
client.add_command(_secret)
