"""The discovery document of one issuer (OpenID Connect Discovery 1.0, RFC 8414)."""

from __future__ import annotations

from typing import Any

from porta.protocol.discovery import build_document
from porta.runtime import Runtime
from porta.tenants.resolve import takes_registrations
from porta.tenants.tenant import Tenant


async def document(runtime: Runtime, tenant: Tenant) -> dict[str, Any]:
    """Return what this issuer offers, as it stands in this snapshot."""
    offer = await runtime.offer(tenant.id)
    return build_document(
        tenant.issuer,
        algorithms=tenant.keys.algorithms,
        ui_locales=runtime.pages.locales,
        scopes=offer.scopes,
        claims=offer.claims,
        registers=takes_registrations(runtime, tenant),
    )
