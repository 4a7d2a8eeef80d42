"""The token endpoint (RFC 6749 §3.2)."""

from __future__ import annotations

from handlers.client_endpoint import ClientEndpointHandler
from porta.provider import token


class TokenHandler(ClientEndpointHandler):
    """POST /{slug}/token."""

    async def post(self) -> None:
        self.finish_json(await token.exchange(self.runtime, self.tenant, self.client_request()))
