"""Token revocation (RFC 7009)."""

from __future__ import annotations

from porta.protocol.tokens.bearer import is_askable
from porta.provider import client_auth, legacy_tokens
from porta.provider.requests import ClientRequest
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant


async def revoke(runtime: Runtime, tenant: Tenant, request: ClientRequest) -> None:
    """Revoke a token of the calling client; it is durable when this returns.

    A refresh token takes its whole family along. A token that is unknown, dead or another
    client's changes nothing and is answered alike (§2.2), so that nothing can be probed.
    """
    client = await client_auth.authenticate(runtime, tenant, request)
    value = request.form.required("token")
    if is_askable(value) and not await runtime.storage.tokens.revoke_token(
        value, tenant.id, client.client_id
    ):
        await legacy_tokens.revoke(runtime, tenant, client, value)
