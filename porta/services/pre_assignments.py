"""Pre-assignments: roles and claims that an invitation carries, judged when it is sent and again
when it is accepted: nobody grants what they do not hold (requirement J.2).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, JsonValue

from porta.audit.actors import Actor
from porta.errors import Forbidden, Invalid, NotFound, Problem
from porta.services import user_claims, user_roles
from porta.services.commands import Command
from porta.services.fields import Id, JsonText
from porta.services.user_claims import NewValue
from porta.services.user_roles import RoleIds
from storage.models.invitations import ClaimToSet, InvitationDetails, RoleToGive
from storage.models.users import User
from storage.repositories.columns import is_id

if TYPE_CHECKING:
    from storage.router import Storage

MOST = 30
"""Roles, and claims, that one invitation carries."""


class AssignedRole(Command):
    """A role of an application, which the person has once they have accepted."""

    application_id: Id
    role_id: Id


class AssignedClaim(Command):
    """A value of a claim, which the person has once they have accepted."""

    application_id: Id
    claim_definition_id: Id
    value: Annotated[JsonValue, JsonText]


class PreAssignments(Command):
    """What the person is given beside the account."""

    roles: Annotated[tuple[AssignedRole, ...], Field(max_length=MOST)] = ()
    claims: Annotated[tuple[AssignedClaim, ...], Field(max_length=MOST)] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What became of them."""

    roles: tuple[str, ...]
    """Ids of the roles that the person has now, and of the claims."""
    claims: tuple[str, ...]
    left_out: tuple[tuple[str, str, str], ...]
    """What was not given: `role` or `claim`, its id, and why."""


async def check(tx: Storage, actor: Actor, wanted: PreAssignments) -> None:
    """Raise Invalid, with every problem, for what cannot be given, and Forbidden for what the
    actor may not give.
    """
    problems = [each async for each in _problems(tx, actor, wanted)]
    if problems:
        raise Invalid(problems=problems)


async def without_gone(
    tx: Storage, details: InvitationDetails
) -> tuple[InvitationDetails, PreAssignments]:
    """Return what can still be given of what an earlier invitation carried: roles and claims may
    have been deleted since.
    """
    roles = [each for each in details.roles if await _is_role(tx, each)]
    values = [each for each in details.claims if await _is_claim(tx, each)]
    kept = InvitationDetails(
        roles=tuple(roles),
        claims=tuple(values),
        personal_message=details.personal_message,
        client_id=details.client_id,
    )
    return kept, PreAssignments.parse(
        {
            "roles": [{"applicationId": r.application_id, "roleId": r.role_id} for r in roles],
            "claims": [
                {
                    "applicationId": c.application_id,
                    "claimDefinitionId": c.claim_definition_id,
                    "value": c.value,
                }
                for c in values
            ],
        }
    )


async def give(tx: Storage, inviter: Actor | None, user: User, details: InvitationDetails) -> Given:
    """Give a person what their invitation carries, with the rights that `inviter` has by now; None
    is somebody who may nothing any more. What cannot be given is left out, and told.
    """
    roles, values, left_out = [], [], []
    for role in details.roles:
        reason = await _try_role(tx, inviter, user, role)
        if reason is None:
            roles.append(role.role_id)
        else:
            left_out.append(("role", role.role_id, reason))
    for claim in details.claims:
        reason = await _try_claim(tx, inviter, user, claim)
        if reason is None:
            values.append(claim.claim_definition_id)
        else:
            left_out.append(("claim", claim.claim_definition_id, reason))
    return Given(tuple(roles), tuple(values), tuple(left_out))


async def _problems(tx: Storage, actor: Actor, wanted: PreAssignments) -> AsyncIterator[Problem]:
    for index, role in enumerate(wanted.roles):
        if await tx.roles.find(role.application_id, role.role_id) is None:
            yield Problem(("roles", index, "roleId"), "this application has no such role")
            continue
        await user_roles.check_may_assign(tx, actor, RoleIds(role_ids=(role.role_id,)))
    for index, claim in enumerate(wanted.claims):
        try:
            await user_claims.check_may_set(
                tx, actor, claim.application_id, claim.claim_definition_id, claim.value
            )
        except NotFound:
            yield Problem(("claims", index, "claimDefinitionId"), "there is no such claim")
        except Invalid as refusal:
            for problem in refusal.problems:
                yield Problem(("claims", index, *problem.path), problem.message)


async def _try_role(tx: Storage, inviter: Actor | None, user: User, role: RoleToGive) -> str | None:
    """Give a role, or return why not."""
    if inviter is None:
        return Forbidden.code
    if not await _is_role(tx, role):
        return NotFound.code
    try:
        command = RoleIds(role_ids=(role.role_id,))
        await user_roles.assign(tx, inviter, user.id, command, within=user.organization_id)
    except (NotFound, Invalid, Forbidden) as refusal:
        return refusal.code
    return None


async def _try_claim(
    tx: Storage, inviter: Actor | None, user: User, claim: ClaimToSet
) -> str | None:
    """Set a claim, or return why not."""
    if inviter is None:
        return Forbidden.code
    try:
        value = NewValue.parse({"value": claim.value})
        target = (claim.application_id, claim.claim_definition_id)
        await user_claims.set_value(
            tx, inviter, *target, user.id, value, within=user.organization_id
        )
    except (NotFound, Invalid, Forbidden) as refusal:
        return refusal.code
    return None


async def _is_role(tx: Storage, role: RoleToGive) -> bool:
    """Whether the application still has the role; what 1.x, or somebody, wrote may be no id."""
    ids: Sequence[str] = (role.application_id, role.role_id)
    return all(map(is_id, ids)) and await tx.roles.find(*ids) is not None


async def _is_claim(tx: Storage, claim: ClaimToSet) -> bool:
    ids: Sequence[str] = (claim.application_id, claim.claim_definition_id)
    return all(map(is_id, ids)) and await tx.claims.find(*ids) is not None
