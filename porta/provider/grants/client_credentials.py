"""The client credentials grant (RFC 6749 §4.4)."""

from __future__ import annotations

from porta.protocol.errors import UnauthorizedClient
from porta.protocol.requests import scopes
from porta.provider.grants.base import ClientAuthorization, GrantType, TokenRequest


async def redeem(call: TokenRequest) -> ClientAuthorization:
    """Answer for the client itself; only one that can prove who it is may ask."""
    if call.client.client_type != "confidential":
        raise UnauthorizedClient("this grant type needs a confidential client")
    requested = call.form.get("scope")
    resources = await call.runtime.api_resources(call.tenant.id)
    known = {scope for resource in resources for scope in resource.scopes}
    scope = scopes.client_credentials_scope(call.client, requested, known)
    asked = bool(scopes.parse_scope(requested))
    return ClientAuthorization(scope, call.form.all("resource"), asked_scope=asked)


GRANT = GrantType("client_credentials", redeem)
