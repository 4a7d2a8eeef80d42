"""The introspection endpoint (RFC 7662)."""

from __future__ import annotations

from handlers.oidc.client_endpoint import ClientEndpointHandler
from porta.provider import introspection


class IntrospectionHandler(ClientEndpointHandler):
    """POST /{slug}/token/introspection."""

    async def post(self) -> None:
        request = self.client_request()
        self.finish_json(await introspection.introspect(self.runtime, self.tenant, request))
