"""The client credentials grant (RFC 6749 §4.4)."""

from __future__ import annotations

from porta.protocol.errors import UnauthorizedClient
from porta.protocol.requests import scopes
from porta.provider.grants.base import GrantType, MachineAuthorization, TokenCall


async def redeem(call: TokenCall) -> MachineAuthorization:
    """Answer for the client itself; only one that can prove who it is may ask."""
    if call.client.client_type != "confidential":
        raise UnauthorizedClient("this grant type needs a confidential client")
    scope = scopes.client_credentials_scope(call.client, call.form.get("scope"))
    return MachineAuthorization(scope, call.form.all("resource"))


GRANT = GrantType("client_credentials", redeem)
