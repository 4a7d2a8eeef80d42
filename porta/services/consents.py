"""Consents of a person as an administrator reads them: what each client was allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from porta.audit.actors import Actor
from porta.services.people import find_user
from porta.services.permissions import needs
from storage.models.artifacts import Grant

if TYPE_CHECKING:
    from storage.router import Storage


class ConsentedClient(msgspec.Struct, frozen=True, kw_only=True):
    """What a person allowed a client, in all their sessions that live."""

    client_id: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    claims: tuple[str, ...]
    sessions: int
    consented_at: float
    """When first, in seconds since the epoch."""


@needs("admin:user:read", "admin:session:read")
async def list(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> tuple[ConsentedClient, ...]:
    """Return what a person allowed, by client. A client of the organization's own that never asks
    is not among them. Raises NotFound.
    """
    user = await find_user(storage, actor, target, within)
    grants = await storage.personal_data.grants(user.id, user.organization_id)
    by_client: dict[str, tuple[Grant, ...]] = {}
    for grant in grants:
        if grant.consents:
            by_client[grant.client_id] = (*by_client.get(grant.client_id, ()), grant)
    return tuple(_together(client_id, by_client[client_id]) for client_id in sorted(by_client))


def _together(client_id: str, grants: tuple[Grant, ...]) -> ConsentedClient:
    consents = [consent for grant in grants for consent in grant.consents]
    return ConsentedClient(
        client_id=client_id,
        scopes=tuple(sorted({name for each in consents for name in each.scope})),
        resources=tuple(sorted({name for each in consents for name in each.resource})),
        claims=tuple(sorted({name for each in consents for name in each.claims})),
        sessions=len({grant.session_uid for grant in grants}),
        consented_at=float(min(grant.created_at for grant in grants)),
    )
