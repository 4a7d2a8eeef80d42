"""The userinfo endpoint (OpenID Connect Core §5.3), a resource protected by RFC 6750."""

from __future__ import annotations

from handlers.cors import REGISTERED_ORIGINS
from handlers.errors import Failure
from handlers.tenant import TenantHandler
from porta.protocol.requests.params import Params
from porta.protocol.tokens.bearer import parse_bearer
from porta.provider import userinfo

_CHALLENGED = frozenset({400, 401, 403})


class UserinfoHandler(TenantHandler):
    """GET and POST /{slug}/me."""

    origins = REGISTERED_ORIGINS

    async def options(self) -> None:
        self.origins.answer_preflight(self)

    async def get(self) -> None:
        await self._answer(None)

    async def head(self) -> None:
        await self.get()

    async def post(self) -> None:
        await self._answer(self.form())

    async def _answer(self, form: Params | None) -> None:
        token = parse_bearer(self.authorization(), form, self.query_names())
        claims, client = await userinfo.answer(self.runtime, self.tenant, token)
        self.origins.withdraw(self, client)
        self.finish_json(claims)

    def write_failure(self, failure: Failure) -> None:
        if failure.status in _CHALLENGED:
            self.set_header("WWW-Authenticate", challenge(self.tenant.issuer, failure))
        super().write_failure(failure)


def challenge(realm: str, failure: Failure) -> str:
    """Return a `WWW-Authenticate` value for `failure` (RFC 6750 §3).

    It names no error to somebody who presented no token at all (§3.1).
    """
    parts = [f'Bearer realm="{realm}"']
    if failure.code != "invalid_token" or failure.message:
        parts.append(f'error="{failure.code}"')
    if failure.message:
        parts.append(f'error_description="{failure.message}"')
    if failure.code == "insufficient_scope":
        parts.append('scope="openid"')
    return ", ".join(parts)
