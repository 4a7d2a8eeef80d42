"""The pushed authorization request endpoint (RFC 9126)."""

from __future__ import annotations

from http import HTTPStatus

from handlers.oidc.client_endpoint import ClientEndpointHandler
from porta.protocol.requests.params import REPEATABLE
from porta.provider import pushed_authorization


class PushedAuthorizationHandler(ClientEndpointHandler):
    """POST /{slug}/request."""

    repeatable = REPEATABLE

    async def post(self) -> None:
        pushed = await pushed_authorization.push(self.runtime, self.tenant, self.client_request())
        self.finish_json(pushed, HTTPStatus.CREATED)
