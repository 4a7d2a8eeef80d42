"""Refresh families as an administrator handles them: listed, and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit import events
from porta.audit.actors import Actor
from porta.errors import Invalid, NotFound
from porta.services.permissions import needs
from porta.services.targets import is_key, list_seen
from storage.models.pages import Listed, Page
from storage.models.refresh_families import FamilyFilter, RefreshFamily

if TYPE_CHECKING:
    from storage.router import Storage

_BY_ADMINISTRATOR = "revoked_by_administrator"


@needs("admin:session:read")
async def list(
    storage: Storage, actor: Actor, wanted: FamilyFilter, page: Page
) -> Listed[RefreshFamily]:
    """Return a page of the families of a person or of a client; whoever administers one
    organization sees its own. Raises Invalid where neither is named.
    """
    if wanted.user_id is None and wanted.client_id is None:
        raise Invalid.at("userId", message="name a person, or a clientId")
    return await list_seen(actor, wanted, page, storage.refresh_families.list)


@needs("admin:session:read")
async def get(storage: Storage, actor: Actor, target: str) -> RefreshFamily:
    """Return a family. Raises NotFound."""
    return await _find(storage, actor, target)


@needs("admin:session:revoke")
async def revoke(tx: Storage, actor: Actor, target: str) -> None:
    """End a family with all its tokens, access tokens too; once is enough. Raises NotFound."""
    found = await _find(tx, actor, target)
    if found.revoked_at is not None:
        return
    await tx.tokens.revoke_family(
        found.id, found.organization_id, found.client_id, _BY_ADMINISTRATOR
    )
    await events.record(
        tx,
        "token.family_revoked",
        organization_id=found.organization_id,
        user_id=found.user_id,
        metadata={"family": found.id, "client_id": found.client_id},
        actor=actor,
    )


async def _find(storage: Storage, actor: Actor, target: str) -> RefreshFamily:
    found = await storage.refresh_families.find(target) if is_key(target) else None
    if found is None or not actor.sees(found.organization_id):
        raise NotFound("Refresh family not found")
    return found
