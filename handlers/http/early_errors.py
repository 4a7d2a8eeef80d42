"""Early errors: the answer to what never became a request; it looks like the others."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from time import monotonic

from handlers.application import Porta
from handlers.errors import of_status

_PAUSE = 1.0  # seconds between two lines of the log: anybody can send nonsense at any speed


class EarlyErrors:
    """Writes these answers, and tells the log of them."""

    def __init__(self, application: Porta) -> None:
        self._application = application
        self._silent_until = 0.0
        self._withheld = 0

    def answer(self, status: HTTPStatus, kind: str) -> bytes:
        """Return a whole answer, to close the connection after; `kind` is for the log."""
        request_id = str(uuid.uuid4())
        self._tell(status, kind, request_id)
        fields = {
            **self._application.common_headers,
            "X-Request-Id": request_id,
            "Date": self._application.date(),
            "Connection": "close",
            "Content-Length": "0",
        }
        del fields["Content-Type"]  # there is none: perhaps it was HEAD that nobody could read
        retry_after = of_status(status).retry_after
        if retry_after is not None:
            fields["Retry-After"] = str(retry_after)
        lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _tell(self, status: HTTPStatus, kind: str, request_id: str) -> None:
        now = monotonic()
        if now < self._silent_until:
            self._withheld += 1
            return
        self._application.log.warning(
            "message.refused",
            kind=kind,
            status=status.value,
            withheld=self._withheld,
            requestId=request_id,
        )
        self._silent_until, self._withheld = now + _PAUSE, 0
