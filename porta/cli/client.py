"""porta client: OAuth clients and their secrets, over the Admin API."""

from __future__ import annotations

import click

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


def _name_where(given: Given) -> None:
    """Nobody administers everything by leaving something out."""
    everywhere = given.pop("everywhere", False)
    if everywhere == ("organization_id" in given):
        raise click.UsageError("Give --org, or --everywhere.")
    given.setdefault("organization_id", None)


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
    Action(
        "revoke-tokens",
        "clients.revoke_tokens",
        asks="End every code and token that {client_id} was issued?",
        done="What was issued until now is refused.",
    ),
    Action("mail-preview", "clients.mail_preview"),
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
_administration = noun(
    "administration",
    "Let a program administer by itself (client credentials).",
    (),
    Action("show", "clients.administration"),
    Action(
        "set",
        "clients.set_administration",
        says="Let a program administer: one organization (--org), or all of them (--everywhere).",
        only=("organization_id",),
        names={"organization_id": "--org"},
        further=(
            click.Argument(["role_ids"], metavar="ROLE_ID...", nargs=-1, required=True),
            click.Option(["--everywhere"], is_flag=True, help="The whole installation."),
        ),
        prepare=_name_where,
    ),
    Action("remove", "clients.delete_administration", done="It administers no more."),
)
client.add_command(_secret)
client.add_command(_administration)
