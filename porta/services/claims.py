"""Custom claims: what an application may define, and what a person's claims may hold."""

from __future__ import annotations

import math
import re
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict, Invalid
from porta.protocol.tokens.standard_claims import RESERVED_CLAIMS
from storage.errors import AlreadyExists
from storage.models.claims import ClaimDefinition
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


def parse_claim_name(name: str) -> str:
    """Return `name`. Raises Invalid unless it is 1 to 100 of a-z, 0-9 and _, and not reserved."""
    if not _NAME.fullmatch(name):
        raise Invalid("claim name: 1 to 100 of a-z, 0-9 and '_', beginning with a letter")
    if name in RESERVED_CLAIMS:
        raise Invalid(f"claim name: '{name}' is reserved")
    return name


def check_claim_value(claim_type: str, value: Any) -> None:
    """Raise Invalid unless `value` is of the type that the definition promises.

    A string, a finite number, a boolean, or an object or array for `json`; never null.
    """
    fits = {
        "string": isinstance(value, str),
        "number": isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value),
        "boolean": isinstance(value, bool),
        "json": isinstance(value, dict | list),
    }
    if not fits[claim_type]:
        raise Invalid(f"value: a {claim_type} is needed")


async def define(
    storage: Storage,
    application_id: str,
    definition: ClaimDefinition,
    *,
    description: str | None = None,
    actor: Actor = SYSTEM,
) -> ClaimDefinition:
    """Define a claim of an application; return it with its id. Raises Invalid, or Conflict."""
    parse_claim_name(definition.claim_name)
    new = msgspec.structs.replace(definition, id=str(uuid.uuid4()))
    async with storage.transaction() as tx:
        try:
            await tx.claims.insert_definition(application_id, new, description)
        except AlreadyExists:
            raise Conflict("claim name: this application has it already") from None
        await events.record(tx, "claim.defined", metadata={"claim_id": new.id}, actor=actor)
    return new


async def update(
    storage: Storage,
    definition: ClaimDefinition,
    *,
    description: str | None = None,
    actor: Actor = SYSTEM,
) -> None:
    """Write the type, the title, the description and where a claim is included."""
    async with storage.transaction() as tx:
        await tx.claims.update_definition(definition, description)
        metadata = {"claim_id": definition.id}
        await events.record(tx, "claim.updated", metadata=metadata, actor=actor)


async def set_value(
    storage: Storage,
    user: User,
    definition: ClaimDefinition,
    value: Any,
    *,
    actor: Actor = SYSTEM,
) -> None:
    """Give a person this value of a claim. Raises Invalid when it is not of the claim's type."""
    check_claim_value(definition.claim_type, value)
    async with storage.transaction() as tx:
        await tx.claims.set_value(user.id, user.organization_id, definition.id, value)
        await events.record(
            tx,
            "claim.value.set",
            organization_id=user.organization_id,
            user_id=user.id,
            metadata={"claim_id": definition.id},
            actor=actor,
        )
