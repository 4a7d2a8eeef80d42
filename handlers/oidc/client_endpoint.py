"""Client endpoints: where clients post forms, and authenticate (RFC 6749 §3.2)."""

from __future__ import annotations

from contextlib import suppress

from handlers.cors import REGISTERED_ORIGINS
from handlers.errors import Failure
from handlers.tenant import TenantHandler
from porta.protocol.clients.client_auth import parse_credentials
from porta.protocol.errors import InvalidClient, InvalidRequest
from porta.provider.requests import ClientRequest


class ClientEndpointHandler(TenantHandler):
    """Turns the request into a ClientRequest; asks for credentials when they were refused."""

    origins = REGISTERED_ORIGINS

    async def options(self) -> None:
        self.origins.answer_preflight(self)

    def client_request(self) -> ClientRequest:
        """Return the form with what came along. Raises InvalidRequest."""
        return ClientRequest(
            form=self.form(),
            authorization=self.authorization(),
            origin=self.origin,
            query_names=self.query_names(),
        )

    def named_client(self) -> str | None:
        if self.request.method != "POST":
            return None
        try:
            return parse_credentials(self.form(), self.authorization()).client_id
        except (InvalidRequest, InvalidClient):  # answered as such when the request is read
            return None

    def claimed_client(self) -> str | None:
        with suppress(InvalidRequest):
            return self.named_client() or self.form().get("client_id")
        return None

    def write_failure(self, failure: Failure) -> None:
        if failure.code == "invalid_client":
            # RFC 9110 §15.5.2: a 401 names a scheme, whichever one was tried.
            self.set_header("WWW-Authenticate", f'Basic realm="{self.tenant.issuer}"')
        super().write_failure(failure)
