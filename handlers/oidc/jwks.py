"""JWKS: the public keys of an issuer (RFC 7517 §5)."""

from __future__ import annotations

from handlers.oidc.public_document import PublicDocumentHandler


class JwksHandler(PublicDocumentHandler):
    """GET /{slug}/jwks."""

    async def get(self) -> None:
        # A cache that keeps this for half of the lead has a new key before it signs.
        self.finish_document(
            self.tenant.keys.jwks, max_age=self.tenant.config.signing_key_lead // 2
        )
