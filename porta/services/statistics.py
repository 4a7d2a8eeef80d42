"""Statistics as an administrator reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.audit.event_types import EVENTS
from porta.errors import NotFound
from porta.services.permissions import needs
from storage.models.statistics import Counts

if TYPE_CHECKING:
    from storage.router import Storage

LOGINS = tuple(name for name in EVENTS if name.startswith("user.login."))


@needs("admin:stats:read", unbound=True)
async def overview(storage: Storage, actor: Actor) -> Counts:
    """Return what there is in the whole installation."""
    del actor
    return await storage.statistics.count(LOGINS)


@needs("admin:stats:read")
async def of_organization(storage: Storage, actor: Actor, organization_id: str) -> Counts:
    """Return what there is in one organization. Raises NotFound."""
    found = await storage.organizations.find_by_id(organization_id)
    if found is None or not actor.sees(organization_id):
        raise NotFound("Organization not found")
    return await storage.statistics.count(LOGINS, organization_id)


@needs("admin:org:read", "admin:user:read")
async def second_factors(
    storage: Storage, actor: Actor, organization_id: str
) -> tuple[int, int, int, int]:
    """Return how many people an organization has, with a second factor, with TOTP, with mailed
    codes. Raises NotFound.
    """
    found = await storage.organizations.find_by_id(organization_id)
    if found is None or not actor.sees(organization_id):
        raise NotFound("Organization not found")
    return await storage.statistics.count_second_factors(organization_id)
