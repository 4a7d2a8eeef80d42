"""Tenant resolution: from a slug to a Tenant, or a refusal."""

from __future__ import annotations

from porta.errors import Forbidden, NotFound
from porta.runtime import Runtime
from porta.tenants.slugs import is_slug
from porta.tenants.tenant import Tenant
from storage.models.clients import Client
from storage.models.organizations import Organization


class OrganizationSuspended(Forbidden):
    """An organization that is there, and serves nobody for now. Its pages still wear its look."""

    def __init__(self, organization: Organization) -> None:
        super().__init__("Organization is suspended")
        self.organization = organization


async def resolve(runtime: Runtime, slug: str) -> Tenant:
    """Return the tenant of `slug`, exactly as it is spelled.

    Raises NotFound for an organization that is unknown or archived, which look alike, and
    OrganizationSuspended for one that is suspended.
    """
    organization = await runtime.organization(slug) if is_slug(slug) else None
    if organization is None or organization.status == "archived":
        raise NotFound("Organization not found")
    if organization.status != "active":
        raise OrganizationSuspended(organization)
    snapshot = await runtime.snapshot()
    return Tenant(
        organization,
        issuer=f"{runtime.settings.issuer_base_url}/{slug}",
        config=snapshot.config,
        keys=snapshot.keys.of(organization.id, runtime.clock()),
    )


def takes_registrations(runtime: Runtime, tenant: Tenant) -> bool:
    """Whether people may make an account for themselves: where somebody may, and mail can be sent.

    Who administers everything is chosen by who does already.
    """
    organization = tenant.organization
    may = organization.registration != "closed" and not organization.is_super_admin
    return may and runtime.settings.smtp_host is not None


def era_of(tenant: Tenant, client: Client | None = None) -> int:
    """Return how often the status of the organization, and of `client` or its application, changed.

    What was issued before the last change is refused (requirement J.7). Neither count goes back,
    so the sum is the same only while both are.
    """
    return tenant.organization.era + (client.era if client is not None else 0)


async def find_client(runtime: Runtime, tenant: Tenant, client_id: str) -> Client | None:
    """Return the client when it belongs to this organization, and it and its application live."""
    client = await runtime.client(client_id, tenant.id)
    return client if client is not None and client.active else None
