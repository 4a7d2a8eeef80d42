"""Custom claims of people: the values that each has, given and taken by administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import JsonValue

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import NotFound, PreconditionFailed
from porta.services import claims
from porta.services.claims import check_claim_value, hold_claim
from porta.services.commands import Command
from porta.services.fields import JsonText
from porta.services.people import find_user, hold_user
from porta.services.permissions import needs
from storage.models.claims import ClaimDefinition, ClaimValue
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Claim value"


class NewValue(Command):
    """A person's value of a claim."""

    value: Annotated[JsonValue, JsonText]


@needs("admin:claim:read")
async def list_values(
    storage: Storage, actor: Actor, user: str, *, within: str | None = None
) -> tuple[tuple[ClaimDefinition, ClaimValue], ...]:
    """Return a person's values of every application, by the name of the claim. Raises NotFound."""
    found = await find_user(storage, actor, user, within)
    return await storage.claims.of_user(found.id, found.organization_id)


@needs("admin:claim:read")
async def get_value(
    storage: Storage,
    actor: Actor,
    application: str,
    target: str,
    user: str,
    *,
    within: str | None = None,
) -> ClaimValue:
    """Return a person's value of a claim. Raises NotFound."""
    found = await find_user(storage, actor, user, within)
    claim = await claims.get(storage, actor, application, target)
    value = await storage.claims.find_value(found.id, found.organization_id, claim.id)
    if value is None:
        raise NotFound(f"{WHAT} not found")
    return value


@needs("admin:claim:update")
async def check_may_set(tx: Storage, actor: Actor, app: str, target: str, value: Any) -> None:
    """Raise as `set_value` does for this value, whoever is to have it; nothing is set."""
    check_claim_value((await hold_claim(tx, app, target)).claim_type, value)


@needs("admin:claim:update")
async def set_value(
    tx: Storage,
    actor: Actor,
    application: str,
    target: str,
    user: str,
    command: NewValue,
    version: int | None = None,
    *,
    within: str | None = None,
) -> ClaimValue:
    """Give a person this value of a claim, in the place of an earlier one.

    Raises NotFound, Forbidden, PreconditionFailed where the earlier one is of another `version`
    than the one that was read, and Invalid when it is not of the claim's type.
    """
    holder = await hold_user(tx, actor, user, within)
    claim = await hold_claim(tx, application, target)
    check_claim_value(claim.claim_type, command.value)
    before = await tx.claims.find_value(holder.id, holder.organization_id, claim.id)
    _check_version(before, version)
    if before is not None and before.value == command.value:
        return before
    after = await tx.claims.set_value(holder.id, holder.organization_id, claim.id, command.value)
    if after is None:
        raise NotFound("User not found")
    await _record_value(tx, actor, "claim.value.set", holder, claim)
    return after


@needs("admin:claim:update")
async def delete_value(
    tx: Storage,
    actor: Actor,
    application: str,
    target: str,
    user: str,
    version: int | None = None,
    *,
    within: str | None = None,
) -> None:
    """Take a value from a person. Raises NotFound, PreconditionFailed, Forbidden."""
    holder = await hold_user(tx, actor, user, within)
    claim = await hold_claim(tx, application, target)
    if version is not None:
        _check_version(
            await tx.claims.find_value(holder.id, holder.organization_id, claim.id), version
        )
    if not await tx.claims.delete_value(holder.id, holder.organization_id, claim.id):
        raise NotFound(f"{WHAT} not found")
    await _record_value(tx, actor, "claim.value.deleted", holder, claim)


def _check_version(stored: ClaimValue | None, version: int | None) -> None:
    """Raise PreconditionFailed for another value than the one that was read, and for none."""
    if version is not None and (stored is None or stored.version != version):
        raise PreconditionFailed(f"{WHAT} has changed since it was read; read it again")


async def _record_value(
    tx: Storage, actor: Actor, event_type: str, user: User, claim: ClaimDefinition
) -> None:
    """That it changed, and not to what: a value is a person's own."""
    await record_change(
        tx,
        actor,
        event_type,
        organization_id=user.organization_id,
        user_id=user.id,
        claim_id=claim.id,
    )
