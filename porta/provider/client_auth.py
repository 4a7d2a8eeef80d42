"""Client authentication: which client is calling, and may it (RFC 6749 §2.3, §3.2.1)."""

from __future__ import annotations

from porta.audit import events
from porta.limits import rate_limits
from porta.limits.origin import Origin
from porta.limits.rate_limits import Throttled
from porta.protocol.clients import client_auth
from porta.protocol.clients.client_auth import WrongSecret
from porta.protocol.errors import InvalidClient
from porta.provider.requests import ClientRequest
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.clients import Client


async def authenticate(runtime: Runtime, tenant: Tenant, request: ClientRequest) -> Client:
    """Return the calling client, authenticated by its secret, or by none where it has none.

    Raises InvalidClient, with the same words for an unknown client and for a wrong secret, and
    Throttled in its place for an address or client that guesses too often. Checking a secret of 256
    bits takes microseconds, so it is checked first: whoever is right passes, whatever others do.
    """
    credentials = client_auth.parse_credentials(
        request.form, request.authorization, request.query_names
    )
    client = await runtime.client(credentials.client_id, tenant.id)
    try:
        client_auth.check_credentials(client, credentials, runtime.clock())
    except WrongSecret:
        await count_failure(runtime, tenant, credentials.client_id, client, request.origin)
        raise
    if credentials.secret is not None:
        await rate_limits.reset_client_auth(
            runtime, tenant, credentials.client_id, request.origin.address
        )
    assert client is not None
    return client


async def count_failure(
    runtime: Runtime, tenant: Tenant, client_id: str, client: Client | None, origin: Origin
) -> None:
    """Count that somebody who calls themselves `client_id` could not prove it, and tell the audit
    trail. Raises Throttled.
    """
    try:
        first = await rate_limits.count_client_auth_failure(
            runtime, tenant, client_id, origin.address
        )
    except Throttled as throttled:
        if throttled.first:
            await _record(runtime, tenant, origin, client, "rate_limit.client_auth")
        raise
    # One row for what may be many. Names that a stranger invents are none to keep.
    if first and client is not None:
        await _record(runtime, tenant, origin, client, "client.secret.failed")


async def _record(
    runtime: Runtime, tenant: Tenant, origin: Origin, client: Client | None, kind: str
) -> None:
    await events.record(
        runtime.storage,
        kind,
        organization_id=tenant.id,
        metadata={"client_id": client.client_id} if client else {},
        origin=origin,
    )


async def authenticate_confidential(
    runtime: Runtime, tenant: Tenant, request: ClientRequest
) -> Client:
    """As `authenticate`, for endpoints that need proof of who asks (RFC 7662 §2.1)."""
    client = await authenticate(runtime, tenant, request)
    if client.client_type != "confidential":
        raise InvalidClient("client authentication is required here", reason="no_secret")
    return client
