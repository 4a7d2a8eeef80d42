"""Organization service: made, changed, suspended, archived, restored."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import msgspec

from porta.audit import events
from porta.audit.events import SYSTEM, Actor
from porta.errors import Conflict, Invalid, NotFound
from porta.pages.custom_css import sanitize
from porta.services import brands
from porta.services.lifecycle import ORGANIZATION, event_of
from porta.services.signing_algorithms import parse_algorithm
from porta.tenants import slugs
from storage.errors import AlreadyExists
from storage.models.organizations import Organization

if TYPE_CHECKING:
    from storage.router import Storage

_BRANDING = (
    *(name for name in Organization.__struct_fields__ if name.startswith("branding_")),
    "brand",
)
_PLAIN = (
    *("name", "default_locale", "default_login_methods", "require_pkce"),
    *("id_token_claims", "id_token_signed_response_alg", "email_as_username"),
)


async def create(
    storage: Storage, organization: Organization, *, actor: Actor = SYSTEM
) -> Organization:
    """Store a new organization and return it as it was stored, with an id and clean CSS.

    Of `organization` the id and status are not read: it begins active. Raises Invalid for its slug,
    its brand, an algorithm that no key of ours has, or for a second super-admin organization, which
    only the first migration makes; Conflict when the slug is taken.
    """
    slugs.parse_organization_slug(organization.slug)
    if organization.is_super_admin:
        raise Invalid("is_super_admin: there is one super-admin organization, and it exists")
    parse_algorithm(organization.id_token_signed_response_alg)
    brands.check(organization)
    new = msgspec.structs.replace(_clean(organization), id=str(uuid.uuid4()), status="active")
    async with storage.transaction() as tx:
        if await tx.organizations.find_by_slug(new.slug) is not None:
            raise Conflict("slug: another organization has it")
        try:
            await tx.organizations.insert(new)
        except AlreadyExists:
            raise Conflict("slug: another organization has it") from None
        await events.record(tx, "org.created", organization_id=new.id, actor=actor)
    return new


async def update(
    storage: Storage, organization: Organization, *, actor: Actor = SYSTEM
) -> tuple[str, ...]:
    """Write everything of `organization` but its slug, its status and is_super_admin.

    Returns the fields that changed. Raises NotFound, and Invalid for its brand or algorithm.
    """
    parse_algorithm(organization.id_token_signed_response_alg)
    async with storage.transaction() as tx:
        stored = await tx.organizations.find_for_update(organization.id)
        if stored is None:
            raise NotFound("Organization not found")
        brands.check(organization, stored)
        wanted = _clean(organization)
        changed = tuple(
            field
            for field in (*_PLAIN, "two_factor_policy", *_BRANDING)
            if getattr(stored, field) != getattr(wanted, field)
        )
        if changed:
            await tx.organizations.update(wanted)
        for event_type in _events_of(changed):
            await events.record(
                tx,
                event_type,
                organization_id=stored.id,
                metadata={"changed": list(changed)},
                actor=actor,
            )
    return changed


async def set_status(
    storage: Storage,
    organization_id: str,
    status: str,
    *,
    reason: str | None = None,
    actor: Actor = SYSTEM,
) -> Organization:
    """Suspend (`suspended`), archive (`archived`), or activate and restore (`active`).

    It works at once on every instance, and ends for good whatever was issued before. Raises
    NotFound, and Invalid for a status that does not follow or for the super-admin organization,
    without which nobody could administer.
    """
    async with storage.transaction() as tx:
        stored = await tx.organizations.find_for_update(organization_id)
        if stored is None:
            raise NotFound("Organization not found")
        if stored.is_super_admin:
            raise Invalid("status: the super-admin organization stays active")
        event_type = event_of(ORGANIZATION, stored.status, status)
        await tx.organizations.set_status(stored.id, status)
        await events.record(
            tx,
            event_type,
            organization_id=stored.id,
            metadata={"reason": reason} if reason else {},
            actor=actor,
        )
        return await tx.organizations.find_by_id(stored.id) or stored


def _clean(organization: Organization) -> Organization:
    """CSS is cleaned before it is stored: what nobody can store, nobody can be served."""
    css = organization.branding_custom_css
    cleaned = sanitize(css) if css else None
    return msgspec.structs.replace(organization, branding_custom_css=cleaned or None)


def _events_of(changed: tuple[str, ...]) -> tuple[str, ...]:
    branding = set(changed) & set(_BRANDING)
    told = (
        ("org.updated", bool(set(changed) & set(_PLAIN))),
        ("org.branding.updated", bool(branding)),
        ("org.2fa.policyChanged", "two_factor_policy" in changed),
    )
    return tuple(event_type for event_type, happened in told if happened)
