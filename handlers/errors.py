"""Error responses: an exception's status, its code, and the words that may leave the house."""

from __future__ import annotations

from dataclasses import dataclass

from tornado.web import HTTPError

from porta.errors import Forbidden, PortaError, TooManyRequests
from porta.protocol.requests.response_modes import describable
from storage.errors import Unreachable

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}
RETRY = 1
"""Seconds until the next attempt, where nobody knows better."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is told to whoever asked. `retry_after` is in seconds."""

    status: int
    code: str
    message: str = ""
    retry_after: int | None = None
    reason: str = ""
    """For the log alone, and finer than `message`."""


def failure_of(error: BaseException | None, status: int = 500) -> Failure:
    """Return the answer to `error`; `status` is Tornado's, where there is no error to ask."""
    match error:
        case TooManyRequests():
            wait = error.retry_after or RETRY
            return Failure(429, "rate_limit_exceeded", error.message, wait, error.reason or "")
        case PortaError():
            retry_after = error.retry_after or (RETRY if error.status == 503 else None)
            message, reason = describable(error.message), error.reason or ""
            return Failure(error.status, error.code, message, retry_after, reason)
        case Unreachable():
            return Failure(503, "temporarily_unavailable", "please try again", RETRY)
        case HTTPError():
            return of_status(error.status_code)
        case None:
            return of_status(status)
    return of_status(500)


def of_status(status: int) -> Failure:
    """Return the answer that has nothing to tell but `status`."""
    if status >= 500:
        code = "temporarily_unavailable" if status == 503 else "server_error"
        return Failure(status, code, retry_after=RETRY if status == 503 else None)
    return Failure(status, _CODES.get(status, "invalid_request"))


def tenant_failure(refusal: PortaError) -> Failure:
    """Return the answer for an organization that is not there, or suspended (Forbidden)."""
    code = "org_suspended" if isinstance(refusal, Forbidden) else "org_not_found"
    return Failure(refusal.status, code, reason=refusal.message)


def is_expected(error: BaseException | None) -> bool:
    """Whether `error` is an answer, and nothing that somebody should look into."""
    return isinstance(error, (PortaError, HTTPError))
