"""porta org: organizations, over the Admin API."""

from __future__ import annotations

import click

from porta.admin_client import AdminClient
from porta.admin_client.resources.organizations import Deleted
from porta.cli.commands import prompts
from porta.cli.nouns import Action, Given, noun

_LOGIN = {"default_login_methods": "--login-methods"}
_HISTORY = ("createdAt", "eventType", "actorId", "metadata")


async def _destroy(admin: AdminClient, given: Given) -> Deleted:
    """Say what would go, and have its slug typed."""
    target = given["id_or_slug"]
    found = await admin.organizations.get(target)
    if given.get("dry_run"):
        return await admin.organizations.delete(target, dry_run=True)
    if not given.get("sure"):
        would = await admin.organizations.delete(target, dry_run=True)
        gone = ", ".join(f"{count} {name}" for name, count in would.counts.items() if count)
        click.echo(f"{found.name} goes for good, with {gone or 'nothing in it'}.", err=True)
        with prompts("Give --yes."):
            typed = click.prompt(f"Type its slug ({found.slug}) to go on", err=True)
        if typed != found.slug:
            raise click.Abort
    return await admin.organizations.delete(target, if_match=found.etag)


org = noun(
    "org",
    "Make, change, suspend and delete organizations, each an issuer of its own.",
    ("id", "name", "slug", "status", "createdAt"),
    Action("list", "organizations.list"),
    Action("show", "organizations.get"),
    Action("create", "organizations.create", names=_LOGIN),
    Action("update", "organizations.update", names=_LOGIN),
    Action("branding", "organizations.update_branding"),
    Action(
        "suspend",
        "organizations.suspend",
        asks="Suspend {id_or_slug}, and end what was issued there?",
        done="It is suspended.",
    ),
    Action("activate", "organizations.activate", done="It is active."),
    Action(
        "archive",
        "organizations.archive",
        asks="Archive {id_or_slug}, as if it were gone?",
        done="It is archived.",
    ),
    Action("restore", "organizations.restore", done="It is active again."),
    Action("history", "organizations.history", columns=_HISTORY),
    Action(
        "destroy",
        "organizations.delete",
        says="Delete an organization with its people and clients, for good.",
        run=_destroy,
        further=(
            click.Option(["--yes", "--force", "sure"], is_flag=True, help="Do not ask first."),
        ),
    ),
)
