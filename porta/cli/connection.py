"""porta connection: the identity providers of others that an organization signs in with."""

from __future__ import annotations

import click

from porta.cli.commands import prompts
from porta.cli.nouns import Given, noun, of_organization

_CHANGED = (
    *("name", "client_id", "scopes", "options", "claim_mapping", "role_mapping", "status"),
    *("allowed_tenants", "allowed_domains", "authoritative_domains"),
    *("creates_accounts", "trusts_second_factor"),
)
"""All but the secret: what stands on a command line others of the machine see."""
_ASK = click.Option(["--secret"], is_flag=True, help="Ask for the secret that the provider gave.")
_action = of_organization("connections")


def _ask_secret(given: Given) -> None:
    if given.pop("secret", False):
        with prompts("The secret is typed, and stands on no command line."):
            given["client_secret"] = click.prompt("Secret", hide_input=True, err=True)


connection = noun(
    "connection",
    "The identity providers of others that an organization signs in with.",
    ("id", "provider", "name", "issuer", "status", "createdAt"),
    _action("list", "list"),
    _action("show", "get"),
    _action(
        "create",
        "create",
        only=(*_CHANGED, "provider", "issuer"),
        further=(_ASK,),
        prepare=_ask_secret,
    ),
    _action("update", "update", only=_CHANGED, further=(_ASK,), prepare=_ask_secret),
    _action(
        "delete",
        "delete",
        asks="Delete {connection_id}, so that nobody signs in there?",
        done="It is gone.",
    ),
)
