"""Errors of the Admin API as exceptions: every problem with its path, and the id of the request."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec


class Problem(NamedTuple):
    """One thing that is wrong, and where it is: `redirectUris[0]`."""

    path: str
    message: str


class AdminApiError(Exception):
    """Whatever went wrong between the caller and the Admin API."""


class NoAnswer(AdminApiError):
    """The server was not reached, or answered nothing that is an answer.

    `was_sent` tells whether the request may have taken effect nevertheless.
    """

    def __init__(self, message: str, *, was_sent: bool) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class NotSignedIn(AdminApiError):
    """There is no token to send, or it is over."""


class SignInFailed(AdminApiError):
    """The issuer gave no token. `code` is its error code (RFC 6749 §5.2), where it said one."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class Refused(AdminApiError):
    """The Admin API refused a request."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None,
        problems: tuple[Problem, ...],
        request_id: str | None,
        retry_after: float | None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        """A fixed word; None of what is no answer of the Admin API: a proxy's, say."""
        self.problems = problems
        self.request_id = request_id
        """Names the request to whoever runs the server."""
        self.retry_after = retry_after
        """Seconds until another attempt makes sense."""

    def __str__(self) -> str:
        told = [
            f"{each.path}: {each.message}" if each.path else each.message for each in self.problems
        ]
        return "; ".join(told) or self.message


class Invalid(Refused):
    """400: the request is wrong, or the thing does not allow this now."""


class Unauthenticated(Refused):
    """401: no token, or one that is dead or for something else."""


class Forbidden(Refused):
    """403: a permission is missing; the message names it."""


class NotFound(Refused):
    """404: there is no such thing, or none that the caller administers."""


class Conflict(Refused):
    """409: it is taken, or being changed."""


class PreconditionFailed(Refused):
    """412: it is no longer what was read. Read it again, and decide anew."""


class TooManyRequests(Refused):
    """429: `retry_after` says when to go on."""


class ServerError(Refused):
    """5xx: the server, or something before it, failed."""


_BY_STATUS: dict[int, type[Refused]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    429: TooManyRequests,
}


class _Body(msgspec.Struct):
    error: str
    code: str
    details: list[dict[str, Any]] = []


def refusal(
    status: int, content: bytes, *, request_id: str | None, retry_after: float | None
) -> Refused:
    """Return the error that an answer says; what is no answer of ours keeps its status alone."""
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else Refused)
    try:
        body = msgspec.json.decode(content, type=_Body)
    except msgspec.MsgspecError:
        body = None
    details = body.details if body else []
    return kind(
        body.error if body else f"The server answered {status}",
        status=status,
        code=body.code if body else None,
        problems=tuple(
            Problem(str(each.get("path", "")), str(each.get("message", ""))) for each in details
        ),
        request_id=request_id,
        retry_after=retry_after,
    )
