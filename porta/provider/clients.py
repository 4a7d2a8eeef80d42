"""Which client is calling, and may it (RFC 6749 §2.3, §3.2.1)."""

from __future__ import annotations

from porta import rate_limits, tenancy
from porta.protocol import client_auth
from porta.protocol.errors import InvalidClient
from porta.provider.requests import ClientRequest
from porta.runtime import Runtime
from porta.tenant import Tenant
from storage.models.clients import Client


async def authenticate(runtime: Runtime, tenant: Tenant, request: ClientRequest) -> Client:
    """Return the calling client, authenticated by its registered method and no other.

    Raises InvalidClient, with the same words for an unknown client and for a wrong secret, and
    TooManyRequests for an address or client that fails too often.
    """
    credentials = client_auth.parse_credentials(
        request.form, request.authorization, request.query_names
    )
    rate_limits.check_client_auth(runtime, tenant, credentials.client_id, request.origin.address)
    client = await tenancy.find_client(runtime, tenant, credentials.client_id)
    try:
        client_auth.check_credentials(client, credentials, runtime.clock())
    except InvalidClient:
        await rate_limits.count_client_auth_failure(
            runtime, tenant, credentials.client_id, request.origin.address
        )
        raise
    assert client is not None
    return client


async def authenticate_confidential(
    runtime: Runtime, tenant: Tenant, request: ClientRequest
) -> Client:
    """As `authenticate`, for endpoints that need proof of who asks (RFC 7662 §2.1)."""
    client = await authenticate(runtime, tenant, request)
    if client.client_type != "confidential":
        raise InvalidClient("client authentication is required here")
    return client
