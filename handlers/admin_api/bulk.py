"""Changes of the status of many: each succeeds or fails by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Shown
from porta.errors import PortaError
from porta.services import organizations, users
from porta.services.commands import Command, Reasoned
from porta.services.fields import Id, Ids, Reason
from porta.services.users import Locking

_ORGANIZATIONS: dict[str, Any] = {
    "activate": organizations.activate,
    "suspend": organizations.suspend,
    "archive": organizations.archive,
}
_USERS: dict[str, Any] = {
    "deactivate": users.deactivate,
    "suspend": users.suspend,
    "unlock": users.unlock,
}
_LOCKED = "locked by an administrator"


class OrganizationsCommand(Command):
    """What becomes of which organizations."""

    ids: Ids
    action: Literal["activate", "suspend", "archive"]
    reason: Reason | None = None


class UsersCommand(Command):
    """What becomes of which people of an organization."""

    ids: Ids
    organization_id: Id
    action: Literal["activate", "deactivate", "suspend", "lock", "unlock"]
    reason: Reason | None = None


class Outcome(Shown):
    """What became of one."""

    id: str
    success: bool
    error: str | None = None
    previous_status: str | None = None
    new_status: str | None = None


class Outcomes(Shown):
    """What became of each."""

    total: int
    succeeded: int
    failed: int
    results: tuple[Outcome, ...] = Field(description="In the order that was asked for")


async def _each(
    ids: tuple[str, ...],
    find: Callable[[str], Awaitable[Any]],
    change: Callable[[str, Any], Awaitable[Any]],
) -> Answer:
    """Change each of `ids`. A service refuses before it writes: what it refuses leaves no trace.

    Always in the same order: of two who change the same ones, the second waits for the first, and
    neither for the other.
    """
    found: dict[str, Outcome] = {}
    for id in sorted(ids):
        before = await find(id)
        try:
            after = await change(id, before)
        except PortaError as refusal:
            found[id] = Outcome(id=id, success=False, error=refusal.message)
        else:
            told = {"previous_status": before.status, "new_status": after.status}
            found[id] = Outcome(id=id, success=True, **told)
    results = [found[id] for id in ids]
    succeeded = sum(each.success for each in results)
    return Answer(
        Outcomes(
            total=len(results),
            succeeded=succeeded,
            failed=len(results) - succeeded,
            results=tuple(results),
        )
    )


async def _organizations(call: Call) -> Answer:
    command = call.body_as(OrganizationsCommand)
    reason, operation = Reasoned(reason=command.reason), _ORGANIZATIONS[command.action]

    async def change(id: str, before: Any) -> Any:
        del before
        return await operation(call.storage, call.actor, id, reason)

    return await _each(command.ids, call.storage.organizations.find_by_id, change)


async def _users(call: Call) -> Answer:
    command = call.body_as(UsersCommand)
    within, reason = command.organization_id, Reasoned(reason=command.reason)

    async def change(id: str, before: Any) -> Any:
        if command.action == "lock":
            locking = Locking(reason=command.reason or _LOCKED)
            return await users.lock(call.storage, call.actor, id, locking, within=within)
        operation = _USERS.get(command.action)
        if operation is None:  # activate: from wherever that leads
            suspended = before is not None and before.status == "suspended"
            operation = users.unsuspend if suspended else users.reactivate
        return await operation(call.storage, call.actor, id, reason, within=within)

    return await _each(command.ids, call.storage.users.find, change)


ROUTES = (
    Route(
        "POST",
        "/bulk/organizations/status",
        "Change the status of many organizations; each needs the permission of its action too",
        _organizations,
        permissions=("admin:org:update",),
        request=OrganizationsCommand,
        response=Outcomes,
        delegable=True,
    ),
    Route(
        "POST",
        "/bulk/users/status",
        "Change the status of many people of an organization",
        _users,
        permissions=("admin:user:suspend",),
        request=UsersCommand,
        response=Outcomes,
        delegable=True,
    ),
)
