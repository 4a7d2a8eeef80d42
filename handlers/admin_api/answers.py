"""Admin API answers: one JSON shape for every refusal, and who may read it (Fetch §3.2).

`error` is a sentence, where clients of Porta 1.x look for one; `code` is what programs compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import Field

from handlers.answers import Answers
from handlers.base import PortaHandler
from handlers.errors import Failure
from porta.administration import access
from porta.administration.call import Shown
from porta.errors import PortaError, spell_path

_EXPOSED_HEADERS = (
    "ETag, Retry-After, WWW-Authenticate, X-Request-Id, Idempotency-Replayed, Content-Disposition"
)

_SENTENCES = {
    400: "The request is invalid",
    401: "Authentication required",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Precondition failed",
    413: "The body is too large",
    415: "Unsupported media type",
    422: "The request cannot be processed",
    429: "Too many requests",
    500: "Internal server error",
    503: "Temporarily unavailable",
}
_CODES = {
    "invalid": "validation_failed",
    "invalid_request": "invalid_request",
    "request_too_large": "request_too_large",
}


class Detail(Shown):
    """One problem, and where it is: names of fields divided by dots, and numbers of entries."""

    path: str
    message: str


class ErrorBody(Shown):
    """Why a request was refused."""

    error: str = Field(description="A sentence for people")
    code: str = Field(description="A fixed word for programs")
    status: int
    request_id: str = Field(description="Names the request to whoever runs the server")
    details: tuple[Detail, ...] | None = Field(None, description="Every problem of the request")
    retry_after: int | None = Field(None, description="Seconds until another attempt makes sense")


class AdminAnswers(Answers):
    """How the Admin API tells what failed."""

    def write_failure(self, handler: PortaHandler, failure: Failure) -> None:
        if failure.status == HTTPStatus.UNAUTHORIZED or failure.code == "insufficient_scope":
            handler.set_header("WWW-Authenticate", _challenge(handler, failure))
        for name, value in cors_headers(handler).items():
            handler.set_header(name, value)
        handler.set_header("Content-Type", "application/json")
        body = build(handler, failure)
        handler.write(body.model_dump_json(by_alias=True, exclude_none=True))


ADMIN = AdminAnswers()


def may_read(handler: PortaHandler) -> bool:
    """Whether the request is of a page that may read the answer (ADMIN_CORS_ORIGINS)."""
    allowed = handler.application.runtime.settings.admin_cors_origins
    return handler.request.headers.get("Origin") in allowed


def cors_headers(handler: PortaHandler) -> Mapping[str, str]:
    """Return what browsers need to let a page read the answer; never with credentials."""
    if not may_read(handler):
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": handler.request.headers["Origin"],
        "Access-Control-Expose-Headers": _EXPOSED_HEADERS,
    }


def build(handler: PortaHandler, failure: Failure) -> ErrorBody:
    """Return what an answer says of what the handler failed with."""
    error, message = handler.error, failure.message
    problems = error.problems if isinstance(error, PortaError) else ()
    if isinstance(error, PortaError):  # its words as they are, beyond those of RFC 6749
        message = "Validation failed" if problems else error.message
    details = tuple(Detail(path=spell_path(each.path), message=each.message) for each in problems)
    return ErrorBody(
        error=message or _SENTENCES.get(failure.status, "The request is invalid"),
        code=_CODES.get(failure.code, failure.code),
        status=failure.status,
        request_id=handler.request_id,
        details=details or None,
        retry_after=failure.retry_after,
    )


def _challenge(handler: PortaHandler, failure: Failure) -> str:
    """Return a challenge (RFC 6750 §3); it names no error to who presented no token (§3.1)."""
    parts = [f'Bearer realm="{access.audience(handler.runtime)}"']
    if failure.message:
        parts += [f'error="{failure.code}"', f'error_description="{failure.message}"']
    if failure.code == "insufficient_scope":
        parts.append(f'scope="{access.SCOPE}"')
    return ", ".join(parts)
