"""From a slug to a Tenant, or a refusal."""

from __future__ import annotations

import re

from porta.errors import Forbidden, NotFound
from porta.runtime import Runtime
from porta.tenant import Tenant
from storage.models.clients import Client

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,98}[a-z0-9]")


async def resolve(runtime: Runtime, slug: str) -> Tenant:
    """Return the tenant of `slug`, exactly as it is spelled.

    Raises NotFound for an organization that is unknown or archived, which look alike, and
    Forbidden for one that is suspended.
    """
    organization = await runtime.organization(slug) if _SLUG.fullmatch(slug) else None
    if organization is None or organization.status == "archived":
        raise NotFound("Organization not found")
    if organization.status != "active":
        raise Forbidden("Organization is suspended")
    snapshot = await runtime.snapshot()
    return Tenant(
        organization,
        issuer=f"{runtime.settings.issuer_base_url}/{slug}",
        config=snapshot.config,
        keys=snapshot.keys.of(organization.id, runtime.clock()),
    )


async def find_client(runtime: Runtime, tenant: Tenant, client_id: str) -> Client | None:
    """Return the client when it belongs to this organization, and it and its application live."""
    client = await runtime.client(client_id, tenant.id)
    if client is None or client.status != "active" or client.application_status != "active":
        return None
    return client
