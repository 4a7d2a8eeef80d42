"""CORS allow list: which web origins may call an organization's endpoints from a browser."""

from __future__ import annotations

from porta.runtime import Runtime
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.clients import Client, web_origins


async def origin_allowed(
    runtime: Runtime, tenant: Tenant, origin: str, client_id: str | None = None
) -> bool:
    """Whether `origin` is one that the client registered.

    Where none is named, as in a preflight, it is judged by the origins of the whole organization:
    what is asked for afterwards needs a credential, and none that a browser adds by itself is
    looked at.
    """
    if client_id is None:
        return origin in await runtime.origins(tenant.id)
    client = await resolve.find_client(runtime, tenant, client_id)
    return client is not None and is_registered(client, origin)


def is_registered(client: Client, origin: str) -> bool:
    """Whether `client` registered `origin`, or a redirect URI of it."""
    return origin in web_origins(client.allowed_origins, client.redirect_uris)
