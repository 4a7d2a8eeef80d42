"""The client credentials grant (RFC 6749 §4.4)."""

from __future__ import annotations

from porta.protocol.errors import UnauthorizedClient
from porta.protocol.requests import scopes
from porta.provider.grants.base import ClientAuthorization, GrantType, TokenRequest


async def redeem(call: TokenRequest) -> ClientAuthorization:
    """Answer for the client itself; only one that can prove who it is may ask."""
    if call.client.client_type != "confidential":
        raise UnauthorizedClient("this grant type needs a confidential client")
    scope = scopes.client_credentials_scope(call.client, call.form.get("scope"))
    return ClientAuthorization(scope, call.form.all("resource"))


GRANT = GrantType("client_credentials", redeem)
