"""An authorization request that waits for a person: found, renewed, finished."""

from __future__ import annotations

import hmac
from typing import Any

import msgspec

from porta.errors import NotFound
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenant import Tenant
from storage.errors import AlreadyConsumed
from storage.models.artifacts import ANY_ORGANIZATION, Interaction, artifact_id
from storage.router import Storage


class InteractionOver(NotFound):
    """The interaction was finished, by another tab or another request."""

    status = 400
    code = "interaction_expired"


async def find(runtime: Runtime, uid: str, browser: str | None) -> Interaction | None:
    """Return the interaction when the browser holds the secret it was begun with.

    It is the one look-up that comes before the tenant, and so names no organization.
    """
    if browser is None or not opaque.well_formed(uid) or not opaque.well_formed(browser):
        return None
    interaction = await runtime.storage.artifacts.find(Interaction, uid, ANY_ORGANIZATION)
    if interaction is None or not hmac.compare_digest(interaction.browser, artifact_id(browser)):
        return None
    return interaction


async def save(
    runtime: Runtime,
    tenant: Tenant,
    interaction: Interaction,
    *,
    storage: Storage | None = None,
    **changes: Any,
) -> Interaction:
    """Save the interaction with `changes`, in the transaction `storage` when there is one; it
    still ends when it was to end.

    Raises InteractionOver when it was finished meanwhile.
    """
    changed: Interaction = msgspec.structs.replace(interaction, **changes)
    left = interaction.created_at + tenant.config.interaction_ttl - runtime.clock()
    try:
        await (storage or runtime.storage).artifacts.save(changed, max(left, 1))
    except AlreadyConsumed:
        raise InteractionOver("interaction not found") from None
    return changed


async def finish(runtime: Runtime, interaction: Interaction, uid: str) -> bool:
    """Take the interaction away; False when another request took it before."""
    try:
        consumed = await runtime.storage.artifacts.consume(
            Interaction, uid, interaction.organization_id
        )
    except AlreadyConsumed:
        return False
    return consumed is not None
