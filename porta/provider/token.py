"""Token request: the one road every grant takes at the token endpoint (RFC 6749 §3.2)."""

from __future__ import annotations

from typing import Any

from porta.protocol.errors import UnauthorizedClient, UnsupportedGrantType
from porta.provider import client_auth, tokens
from porta.provider.grants import GRANTS
from porta.provider.grants.base import TokenRequest
from porta.provider.requests import ClientRequest
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant


async def respond(runtime: Runtime, tenant: Tenant, request: ClientRequest) -> dict[str, Any]:
    """Authenticate the client, redeem what it presents, and return the token response (§5.1)."""
    client = await client_auth.authenticate(runtime, tenant, request)
    name = request.form.required("grant_type")
    grant = GRANTS.get(name)
    if grant is None:
        raise UnsupportedGrantType("this grant type is not supported")
    if name not in client.grant_types:
        raise UnauthorizedClient("the client is not registered for this grant type")
    call = TokenRequest(runtime, tenant, client, request, int(runtime.clock()))
    return await tokens.issue(call, await grant.redeem(call))
