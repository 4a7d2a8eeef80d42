"""Discovery: OpenID Connect Discovery 1.0 §4, and RFC 8414 in both of its forms."""

from __future__ import annotations

from functools import partial

from handlers.oidc.public_document import PublicDocumentHandler
from porta.protocol import endpoints
from porta.provider import discovery

_MAX_AGE = 60  # seconds: what is offered may change with the configuration


class DiscoveryHandler(PublicDocumentHandler):
    """GET /{slug}/.well-known/openid-configuration and /{slug}/.well-known/oauth-…-server."""

    async def get(self) -> None:
        read = partial(discovery.document, self.runtime, self.tenant)
        cached = self.runtime.has_offer(self.tenant.id)
        document = await (read() if cached else self.unless_silent(read))
        self.finish_document(document, max_age=_MAX_AGE)

    def slug(self) -> str:
        """Return the organization's name; RFC 8414 §3.1 has it behind the well-known path:
        /.well-known/oauth-authorization-server[/path of the base URL]/{slug}.
        """
        if not self.request.path.startswith(f"{endpoints.WELL_KNOWN_PREFIX}/"):
            return super().slug()
        inserted = self.request.path.removeprefix(endpoints.WELL_KNOWN_PREFIX)
        return inserted.removeprefix(f"{self.application.base_path}/").removeprefix("/")
