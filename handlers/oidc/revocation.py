"""The revocation endpoint (RFC 7009)."""

from __future__ import annotations

from http import HTTPStatus

from handlers.oidc.client_endpoint import ClientEndpointHandler
from porta.provider import revocation


class RevocationHandler(ClientEndpointHandler):
    """POST /{slug}/token/revocation."""

    async def post(self) -> None:
        await revocation.revoke(self.runtime, self.tenant, self.client_request())
        self.finish_empty(HTTPStatus.OK)
