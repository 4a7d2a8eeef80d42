"""porta org: organizations, over the Admin API."""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path

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


def _read_image(given: Given) -> None:
    """What it is said to be is told by its name; its content decides."""
    file = Path(given.pop("file"))
    given["content_type"] = mimetypes.guess_type(file.name)[0] or ""
    if not given["content_type"].startswith("image/"):
        raise click.ClickException(f"{file} has not the name of an image.")
    try:
        given["data"] = base64.b64encode(file.read_bytes()).decode()
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None


org = noun(
    "org",
    "Make, change, suspend and delete organizations, each an issuer of its own.",
    ("id", "name", "slug", "status", "createdAt"),
    Action("list", "organizations.list"),
    Action("show", "organizations.get"),
    Action("create", "organizations.create", names=_LOGIN),
    Action("update", "organizations.update", names=_LOGIN),
    Action("branding", "organizations.update_branding"),
    Action("show-branding", "organizations.branding"),
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
    Action(
        "revoke-tokens",
        "organizations.revoke_tokens",
        asks="End every session and token of everybody in {id_or_slug}?",
        done="What was issued until now is refused.",
    ),
    Action("validate-slug", "organizations.validate_slug"),
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

_assets = noun(
    "asset",
    "The images that an organization wears: logo, logo-dark, favicon.",
    ("assetType", "contentType", "fileSize", "url", "updatedAt"),
    Action("list", "organizations.branding_assets"),
    Action("download", "organizations.get_branding"),
    Action(
        "upload",
        "organizations.set_branding",
        says="Upload an image: PNG, JPEG, WebP, ICO or SVG.",
        only=(),
        further=(click.Argument(["file"], type=click.Path(exists=True, dir_okay=False)),),
        prepare=_read_image,
    ),
    Action("delete", "organizations.delete_branding", done="It is gone."),
)
_second_factors = noun(
    "2fa",
    "Which second factors an organization asks for, and who has one.",
    (),
    Action("policy", "organizations.two_factor_policy"),
    Action(
        "set-policy",
        "organizations.set_two_factor_policy",
        names={"two_factor_policy": "--policy"},
    ),
    Action("summary", "organizations.two_factor_summary"),
)
_administrators = noun(
    "administrators",
    "Who administers this organization, and no other one.",
    ("userId", "clientId", "roleIds"),
    Action("list", "administrators.list"),
    Action(
        "set",
        "administrators.set",
        only=(),
        further=(click.Argument(["role_ids"], metavar="ROLE_ID...", nargs=-1, required=True),),
        done="They administer it.",
    ),
    Action("remove", "administrators.delete", done="They administer it no more."),
)
for _further in (_assets, _second_factors, _administrators):
    org.add_command(_further)
