"""Organization service: made, changed, suspended, archived, restored, deleted."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Literal

import msgspec

from porta.audit import events
from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Conflict, Invalid, NotFound
from porta.protocol.requests.sign_in import trusted_days
from porta.services.commands import NO_REASON, Command, Reasoned
from porta.services.fields import (
    SearchTerm,
)
from porta.services.lifecycle import Lifecycle
from porta.services.organization_fields import (
    BRANDING,
    NewOrganization,
    OrganizationPatch,
    columns_of,
)
from porta.services.permissions import check_all, needs
from porta.services.targets import changes_of, check_page, is_key, require
from storage.models.organizations import Organization
from storage.models.pages import Listed, Page
from storage.repositories.organizations import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Organization"


class OrganizationFilters(Command):
    """Which organizations are listed."""

    status: Literal["active", "suspended", "archived"] | None = None
    search: SearchTerm | None = None
    """A part of the name or slug, in any letter case."""


@needs("admin:org:create", unbound=True)
async def create(tx: Storage, actor: Actor, command: NewOrganization) -> Organization:
    """Make an organization, active. Raises Conflict when the slug is taken, Invalid."""
    new = Organization(id=str(uuid.uuid4()), name=command.name, slug=command.slug)
    new = msgspec.structs.replace(new, **columns_of(new, command))
    made = await tx.organizations.insert(new)
    if made is None:
        raise Conflict.at("slug", message="another organization has it")
    await record_change(tx, actor, "org.created", None, made, organization_id=made.id)
    return made


@needs("admin:org:read")
async def get(storage: Storage, actor: Actor, target: str) -> Organization:
    """Return the organization of this id, else of this slug. Raises NotFound."""
    if not is_key(target):
        raise NotFound(f"{WHAT} not found")
    return _visible(actor, await storage.organizations.find_by_key(target))


@needs("admin:org:read")
async def list(
    storage: Storage, actor: Actor, page: Page, filters: OrganizationFilters
) -> Listed[Organization]:
    """Return a page of organizations: who administers one of them sees that one. Raises Invalid."""
    check_page(page, SORTS)
    return await storage.organizations.list_page(
        page, status=filters.status, search=filters.search, id=actor.organization_id
    )


@needs("admin:org:update")
async def update(
    tx: Storage, actor: Actor, target: str, patch: OrganizationPatch, version: int | None = None
) -> Organization:
    """Change what `patch` says of an organization, and return it as it is then.

    Raises NotFound, PreconditionFailed, Invalid, and Forbidden for the super-admin organization,
    whose look and rules decide how administrators sign in.
    """
    stored = await hold_for_change(tx, actor, target, version)
    changes = changes_of(stored, columns_of(stored, patch))
    if not changes:
        return stored
    after = require(await tx.organizations.update(stored.id, changes), WHAT)
    if trusted_days(stored) and not trusted_days(after):
        # For good: none is trusted anew by another change.
        await tx.trusted_devices.clear(stored.id)
    for event_type, fields in _events_of(frozenset(changes)):
        await record_change(
            tx, actor, event_type, stored, after, fields=fields, organization_id=stored.id
        )
    return after


@needs("admin:org:archive")
async def count_dependents(storage: Storage, actor: Actor, target: str) -> dict[str, int]:
    """Return how many rows of each kind `delete` would take along. Raises NotFound."""
    if not is_key(target):
        raise NotFound(f"{WHAT} not found")
    stored = _visible(actor, await storage.organizations.find_by_key(target))
    return await storage.organizations.count_dependents(stored.id)


@needs("admin:org:archive", unbound=True)
async def delete(
    tx: Storage, actor: Actor, target: str, *, version: int | None = None
) -> Organization:
    """Delete an organization with its people and clients, for good; return what it was.

    Raises NotFound, PreconditionFailed, and Invalid for the super-admin organization.
    """
    stored = await _held(tx, actor, target, version)
    await _check_may_leave(tx, stored, "deleted")
    counts = await tx.organizations.count_dependents(stored.id)
    await tx.organizations.set_status(stored.id, "archived")  # ends what was issued
    await tx.assets.clear(stored.id)
    await tx.organizations.delete(stored.id)
    await record_change(tx, actor, "org.destroyed", stored, None, slug=stored.slug, counts=counts)
    return stored


@needs("admin:org:suspend")
async def revoke_tokens(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
) -> None:
    """End what was issued in an organization until now: sessions, codes and tokens of its people
    and clients, on every instance; nobody is kept from what is issued anew (decisions/0018).

    Raises NotFound, PreconditionFailed, and Forbidden for the super-admin organization.
    """
    stored = await _held(tx, actor, target, version)
    if stored.is_super_admin:
        check_all(actor, "the super-admin organization")
    await tx.organizations.begin_era(stored.id)
    await events.record(
        tx,
        "org.tokens.revoked",
        organization_id=stored.id,
        metadata=command.told(),
        actor=actor,
    )


async def _check_may_leave(tx: Storage, stored: Organization, status: str) -> None:
    """Without the super-admin organization nobody could administer."""
    del tx, status
    if stored.is_super_admin:
        raise Invalid.at("status", message="the super-admin organization stays active")


async def hold_for_change(
    tx: Storage, actor: Actor, target: str, version: int | None
) -> Organization:
    """Return an organization, held until the transaction ends. Raises as `update` does."""
    stored = await _held(tx, actor, target, version)
    if stored.is_super_admin:
        check_all(actor, "the super-admin organization")
    return stored


async def _held(tx: Storage, actor: Actor, target: str, version: int | None) -> Organization:
    found = await tx.organizations.find_for_update(target) if is_key(target) else None
    return require(_visible(actor, found), WHAT, version)


def _visible(actor: Actor, found: Organization | None) -> Organization:
    if found is None or not actor.sees(found.id):
        raise NotFound(f"{WHAT} not found")
    return found


def _events_of(changed: frozenset[str]) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the events that tell of a change, each with the fields that it tells of."""
    policy = frozenset({"two_factor_policy", "trusted_device_days"})
    parts = (
        ("org.updated", changed - BRANDING - policy),
        ("org.branding.updated", changed & BRANDING),
        ("org.2fa.policyChanged", changed & policy),
    )
    return tuple((event_type, fields) for event_type, fields in parts if fields)


async def _write_status(
    tx: Storage, stored: Organization, status: str, reason: str | None
) -> Organization:
    del reason
    return require(await tx.organizations.set_status(stored.id, status), WHAT)


async def _record_status(
    tx: Storage,
    actor: Actor,
    event_type: str,
    before: Organization,
    after: Organization,
    **told: str,
) -> None:
    await record_change(tx, actor, event_type, before, after, organization_id=after.id, **told)


_LIFECYCLE = Lifecycle(__name__, _held, _write_status, _record_status, _check_may_leave)

suspend = needs("admin:org:suspend")(
    _LIFECYCLE.change("suspend", "active", to="suspended", event="org.suspended")
)
"""Suspend an organization: its people and clients are refused, at once, on every instance; what was
issued before is ended for good. Never the super-admin organization."""
activate = needs("admin:org:suspend")(
    _LIFECYCLE.change("activate", "suspended", to="active", event="org.activated")
)
"""End a suspension."""
archive = needs("admin:org:archive")(
    _LIFECYCLE.change("archive", "active", "suspended", to="archived", event="org.archived")
)
"""Archive an organization: it is as if it were gone, until restored."""
restore = needs("admin:org:archive")(
    _LIFECYCLE.change("restore", "archived", to="active", event="org.restored")
)
"""Make an archived organization active again."""
