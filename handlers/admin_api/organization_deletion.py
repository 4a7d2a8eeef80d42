"""Organizations deleted with all that is theirs, or only counted."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.organizations import _ONE, Organization, shown
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Shown
from porta.services import organizations
from porta.services.commands import Command
from porta.services.permissions import needed_by
from porta.services.targets import require

_OF_1X = ("applications", "roles", "permissions", "claim_definitions")
"""What Porta 1.x promised to count, and what belongs to no organization."""


class DeleteQuery(Command):
    """Whether only to say what would be deleted."""

    dry_run: bool = False
    dry_run_1x: bool = Field(False, alias="dry-run", description="The same, as 1.x called it")


class Deleted(Shown):
    """What is gone, or would be."""

    deleted: bool
    dry_run: bool
    counts: dict[str, int]


class DeletedAnswer(Shown):
    """The same in the envelope, and without it as Porta 1.x promised."""

    data: Deleted
    dry_run: bool
    organization: Organization
    cascade_counts: dict[str, int]


async def _delete(call: Call) -> Answer:
    query, target = call.query_as(DeleteQuery), call.path["idOrSlug"]
    dry_run = query.dry_run or query.dry_run_1x
    counts = await organizations.count_dependents(call.storage, call.actor, target)
    counts = {**counts, **dict.fromkeys(_OF_1X, 0)}
    if dry_run:
        found = await call.storage.organizations.find_by_key(target)
        stored = require(found, organizations.WHAT, call.version)
    else:
        stored = await organizations.delete(call.storage, call.actor, target, version=call.version)
    return Answer(
        DeletedAnswer(
            data=Deleted(deleted=not dry_run, dry_run=dry_run, counts=counts),
            dry_run=dry_run,
            organization=shown(stored),
            cascade_counts=counts,
        )
    )


ROUTES = (
    Route(
        "DELETE",
        _ONE,
        "Delete an organization with its people and clients, or say what would go",
        _delete,
        permissions=needed_by(organizations.delete),
        query=DeleteQuery,
        response=DeletedAnswer,
        errors=(400, 412),
    ),
)
