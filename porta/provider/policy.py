"""Authorization policy: what a tenant demands of every authorization request."""

from __future__ import annotations

from porta.protocol.features.feature import AuthorizationPolicy
from porta.runtime import Runtime
from porta.tenants.resolve import takes_registrations
from porta.tenants.tenant import Tenant


async def find(runtime: Runtime, tenant: Tenant) -> AuthorizationPolicy:
    """Return the rules of this tenant, from its snapshot."""
    api_resources = await runtime.api_resources(tenant.id)
    return AuthorizationPolicy(
        tenant.issuer,
        require_pkce=tenant.config.require_pkce,
        require_pkce_of_all=tenant.organization.require_pkce,
        api_resources=api_resources,
        registers=takes_registrations(runtime, tenant),
    )
