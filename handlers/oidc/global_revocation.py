"""The Global Token Revocation endpoint (draft-parecki-oauth-global-token-revocation)."""

from __future__ import annotations

from handlers.errors import Failure
from handlers.oidc.userinfo import challenge
from handlers.tenant import TenantHandler
from porta.administration import bodies
from porta.errors import Invalid
from porta.protocol.errors import InvalidRequest
from porta.protocol.tokens.bearer import parse_bearer
from porta.provider import global_revocation

_JSON = "application/json"


class GlobalRevocationHandler(TenantHandler):
    """POST /{slug}/global-token-revocation, with a signed JWT as bearer token."""

    async def post(self) -> None:
        assertion = parse_bearer(self.authorization(), None, self.query_names())
        args = self.runtime, self.tenant
        caller = await global_revocation.authenticate(*args, assertion, self.origin)
        await global_revocation.revoke(*args, caller, self._body(), self.origin)
        self.finish_empty(204)

    def _body(self) -> object:
        media_type = self.request.headers.get("Content-Type", "").partition(";")[0]
        if media_type.strip().lower() != _JSON:
            raise InvalidRequest(f"the body must be {_JSON}")
        try:
            return bodies.parse_json(self.request.body)
        except Invalid as refusal:
            raise InvalidRequest(refusal.message) from None

    def write_failure(self, failure: Failure) -> None:
        if failure.status == 401:
            self.set_header("WWW-Authenticate", challenge(self.tenant.issuer, failure))
        super().write_failure(failure)
