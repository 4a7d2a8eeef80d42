"""Error answers: an object that a handler names, here JSON as RFC 6749 §5.2 has it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from handlers.errors import Failure, tenant_failure
from porta.errors import PortaError

if TYPE_CHECKING:
    from handlers.base import PortaHandler
    from handlers.tenant import TenantHandler


class Answers:
    """How a handler tells what failed. It has no state: one object serves every request."""

    def write_failure(self, handler: PortaHandler, failure: Failure) -> None:
        """Write the body of an error."""
        if failure.status == HTTPStatus.NOT_FOUND:
            handler.set_header("Content-Type", "text/plain; charset=utf-8")
            handler.write("Not Found")
            return
        body: dict[str, Any] = {"error": failure.code}
        if failure.message:
            body["error_description"] = failure.message
        if failure.status == HTTPStatus.TOO_MANY_REQUESTS:
            body["retry_after"] = failure.retry_after
        if failure.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            body["request_id"] = handler.request_id
        handler.write(handler.encode(body))

    async def refuse_tenant(self, handler: TenantHandler, refusal: PortaError) -> None:
        """Answer for an organization that is unknown, archived or suspended, as Porta 1.x did."""
        handler.log_refusal(tenant_failure(refusal))
        body = {"error": refusal.message, "status": refusal.status}
        handler.finish_json(body, refusal.status)

    def before_log(self, handler: PortaHandler) -> None:
        """Note what the lines of a failed request are to have, before the first is written."""

    def refused_values(self, handler: PortaHandler) -> dict[str, str]:
        """Return what was received and refused, as the log may hold it."""
        del handler
        return {}

    def before_finish(self, handler: PortaHandler) -> None:
        """Add to an answer, whatever it is, before it is sent."""

    def after_finish(self, handler: PortaHandler) -> None:
        """Note what a request was, once it is answered."""


JSON = Answers()
