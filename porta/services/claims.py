"""Claim service: the custom claims that an application defines, and what each may hold."""

from __future__ import annotations

import re
import uuid
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Conflict, Invalid, NotFound
from porta.protocol.tokens.claim_types import is_of_type
from porta.protocol.tokens.standard_claims import RESERVED_CLAIMS
from porta.services.commands import ABSENT, Patch
from porta.services.definitions import find_application, hold_application
from porta.services.fields import Description, Flag, Name, judged
from porta.services.permissions import needs
from porta.services.targets import changes_of, check_page, is_key, require, write_changes
from storage.models.claims import ClaimDefinition
from storage.models.pages import Listed, Page
from storage.repositories.claims import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Claim"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_WORDS = {
    "string": "a text",
    "number": "a finite number",
    "boolean": "true or false",
    "json": "an object or a list",
}


def find_name_problem(name: str) -> str | None:
    """Return what makes `name` unfit for a claim, or None."""
    if not _NAME.fullmatch(name):
        return "must be 1 to 100 of a-z, 0-9 and '_', beginning with a letter"
    return f"'{name}' is reserved" if name in RESERVED_CLAIMS else None


def check_claim_value(claim_type: str, value: Any) -> None:
    """Raise Invalid unless `value` is of the type that the definition promises.

    A string, a finite number, a boolean, or an object or array for `json`; never null.
    """
    if not is_of_type(claim_type, value):
        raise Invalid.at("value", message=f"must be {_WORDS[claim_type]}")


class ClaimPatch(Patch):
    """What of a definition may change. Its name stands in tokens, and does not."""

    claim_type: Literal["string", "number", "boolean", "json"] = ABSENT
    title: Name | None = ABSENT
    description: Description | None = ABSENT
    include_in_id_token: Flag = ABSENT
    include_in_access_token: Flag = ABSENT
    include_in_userinfo: Flag = ABSENT


class NewClaim(ClaimPatch):
    """A claim to be defined: a text, in access tokens and at userinfo, unless it says more."""

    claim_name: Annotated[str, judged(find_name_problem)]


@needs("admin:claim:create", unbound=True)
async def create(tx: Storage, actor: Actor, application: str, command: NewClaim) -> ClaimDefinition:
    """Define a claim of an application. Raises NotFound, Conflict when it has one of this name."""
    owner = await hold_application(tx, application)
    new = ClaimDefinition(id=str(uuid.uuid4()), application_id=owner.id, **command.said())
    made = await tx.claims.insert_definition(new)
    if made is None:
        raise Conflict.at("claimName", message="this application has it already")
    await record_change(tx, actor, "claim.defined", None, made, claim_id=made.id)
    return made


@needs("admin:claim:read")
async def get(storage: Storage, actor: Actor, application: str, target: str) -> ClaimDefinition:
    """Return the claim of this id or name. Raises NotFound."""
    owner = await find_application(storage, application)
    found = await storage.claims.find(owner.id, target) if is_key(target) else None
    return require(found, WHAT)


@needs("admin:claim:read")
async def list(
    storage: Storage, actor: Actor, application: str, page: Page
) -> Listed[ClaimDefinition]:
    """Return a page of the claims that an application defines. Raises NotFound, Invalid."""
    check_page(page, SORTS)
    owner = await find_application(storage, application)
    return await storage.claims.list_page(owner.id, page)


@needs("admin:claim:update", unbound=True)
async def update(
    tx: Storage,
    actor: Actor,
    application: str,
    target: str,
    patch: ClaimPatch,
    version: int | None = None,
) -> ClaimDefinition:
    """Change what `patch` says of a definition.

    Raises NotFound, PreconditionFailed, and Conflict for another type than people have values of.
    """
    stored = await hold_claim(tx, application, target, version)
    changes = changes_of(stored, patch.said())
    if "claim_type" in changes and await tx.claims.has_values(stored.id):
        raise Conflict.at("claimType", message="people have values of the type that it is of")
    return await write_changes(
        stored, changes, WHAT, partial(tx.claims.update_definition, stored.id),
        partial(record_change, tx, actor, "claim.updated", claim_id=stored.id),
    )  # fmt: skip


@needs("admin:claim:archive", unbound=True)
async def delete(
    tx: Storage, actor: Actor, application: str, target: str, version: int | None = None
) -> ClaimDefinition:
    """Delete a definition with every value of it; return what it was.

    Raises NotFound, PreconditionFailed.
    """
    stored = await hold_claim(tx, application, target, version)
    await tx.claims.delete_definition(stored.id)
    await record_change(tx, actor, "claim.deleted", stored, None, claim_id=stored.id)
    return stored


async def hold_claim(
    tx: Storage, application: str, target: str, version: int | None = None
) -> ClaimDefinition:
    """Return the claim of this id or name, held until the transaction ends. Raises NotFound,
    PreconditionFailed.
    """
    owner = await find_application(tx, application)
    if not is_key(target):
        raise NotFound(f"{WHAT} not found")
    return require(await tx.claims.find(owner.id, target, hold=True), WHAT, version)
