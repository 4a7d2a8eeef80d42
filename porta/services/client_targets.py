"""Clients as targets: found within what an actor sees, and never above what the actor may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Forbidden, NotFound
from porta.services.permissions import ADMINISTRATION, check_all
from porta.services.targets import is_key, require
from storage.models.clients import Client

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Client"
_TOLD = frozenset(Client.__struct_fields__) - {
    *("secrets", "claim_definitions", "defines_roles", "defines_permissions"),
    *("client_id", "application_status"),
}


async def hold_client(tx: Storage, actor: Actor, target: str, version: int | None = None) -> Client:
    """Return a client that is held. Who could change one that administers would be that client, or
    meet the administrators who sign in with it. Raises NotFound, PreconditionFailed, Forbidden.
    """
    found = await tx.clients.find_by_key(target, hold=True) if is_key(target) else None
    client = require(visible(actor, found), WHAT, version)
    if not actor.is_system:
        home = await tx.organizations.find_by_id(client.organization_id)
        owner = await tx.applications.find_by_key(client.application_id)
        if home is None or owner is None:
            raise Forbidden("a client without a home is nobody's to change")
        if home.is_super_admin or owner.slug == ADMINISTRATION:
            check_all(actor, "a client of the administration")
    return client


def visible(actor: Actor, found: Client | None) -> Client:
    """Return what was found, where the actor sees it. Raises NotFound."""
    if found is None or not actor.sees(found.organization_id):
        raise NotFound(f"{WHAT} not found")
    return found


async def record_of_client(
    tx: Storage,
    actor: Actor,
    event_type: str,
    before: Client | None,
    after: Client,
    **more: str,
) -> None:
    """Record that a client `before` became `after`."""
    await record_change(
        tx,
        actor,
        event_type,
        before,
        after,
        fields=_TOLD,
        organization_id=after.organization_id,
        client_id=after.client_id,
        **more,
    )
