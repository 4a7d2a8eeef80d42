"""porta bulk: the status of many changed at once, over the Admin API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from porta.admin_client import AdminClient
from porta.admin_client.resources.bulk import OrganizationsCommand, Outcome, UsersCommand
from porta.cli import answers
from porta.cli.nouns import Action, Given, noun

_COLUMNS = ("id", "success", "previousStatus", "newStatus", "error")
_ORG = {"organization_id": "--org"}


async def _organizations(admin: AdminClient, given: Given) -> tuple[Outcome, ...]:
    return (await admin.bulk.organizations_status(OrganizationsCommand(**given))).results


async def _users(admin: AdminClient, given: Given) -> tuple[Outcome, ...]:
    return (await admin.bulk.users_status(UsersCommand(**given))).results


def _tell(found: Sequence[Outcome]) -> None:
    """Tell what became of each; where it failed, so has the command."""
    answers.tell(found, _COLUMNS, json_wanted=False)
    failed = sum(not each.success for each in found)
    click.echo(f"{len(found) - failed} done, {failed} failed.", err=bool(failed))
    if failed:
        raise click.exceptions.Exit(1)


def _action(name: str, **more: Any) -> Action:
    return Action(name, f"bulk.{name}_status", names=_ORG, columns=_COLUMNS, tell=_tell, **more)


bulk = noun(
    "bulk",
    "Change the status of many at once.",
    _COLUMNS,
    _action("organizations", run=_organizations, asks="Really {action} these organizations?"),
    _action("users", run=_users, asks="Really {action} these people?"),
)
