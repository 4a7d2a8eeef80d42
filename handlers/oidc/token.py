"""The token endpoint (RFC 6749 §3.2)."""

from __future__ import annotations

from handlers.oidc.client_endpoint import ClientEndpointHandler
from porta.protocol.requests.params import REPEATABLE
from porta.provider import token


class TokenHandler(ClientEndpointHandler):
    """POST /{slug}/token."""

    repeatable = REPEATABLE

    def clear(self) -> None:
        super().clear()
        self._headers["Pragma"] = "no-cache"  # RFC 6749 §5.1, beside the no-store of every answer

    async def post(self) -> None:
        self.finish_json(await token.respond(self.runtime, self.tenant, self.client_request()))
