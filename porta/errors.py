"""Errors that know their answer. Only `handlers/base.py` turns one into bytes."""

from __future__ import annotations


class PortaError(Exception):
    """An error meant for whoever asked. `message` names the fault and never holds a secret."""

    status = 500
    code = "server_error"

    def __init__(
        self, message: str = "", *, retry_after: int | None = None, reason: str | None = None
    ) -> None:
        super().__init__(message or self.code)
        self.message = message
        self.retry_after = retry_after
        """Seconds after which another attempt makes sense, or None."""
        self.reason = reason
        """What only the log may tell, and finer than `message`: a fixed word like `wrong_secret`,
        never what was sent; None where `message` says it all."""


class Invalid(PortaError):
    status = 400
    code = "invalid"


class Unauthenticated(PortaError):
    status = 401
    code = "unauthenticated"


class Forbidden(PortaError):
    status = 403
    code = "forbidden"


class NotFound(PortaError):
    status = 404
    code = "not_found"


class Conflict(PortaError):
    status = 409
    code = "conflict"


class Gone(PortaError):
    status = 410
    code = "gone"


class PreconditionFailed(PortaError):
    status = 412
    code = "precondition_failed"


class TooManyRequests(PortaError):
    status = 429
    code = "too_many_requests"


class Unavailable(PortaError):
    status = 503
    code = "temporarily_unavailable"
