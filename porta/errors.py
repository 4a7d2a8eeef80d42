"""Errors that know their answer. Only `handlers/base.py` turns one into bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

Path = tuple[str | int, ...]
"""Where in what was sent: the names of members, and the indexes of entries, from outside in."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in words for whoever sent it, and where; an empty path is the whole."""

    path: Path
    message: str

    def __str__(self) -> str:
        where = spell_path(self.path)
        return f"{where}: {self.message}" if where else self.message


def spell_path(path: Path) -> str:
    """Return a path as people write it: `redirectUris[0]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


class PortaError(Exception):
    """An error meant for whoever asked. `message` names the problem and never holds a secret."""

    status = 500
    code = "server_error"

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: int | None = None,
        reason: str | None = None,
        problems: Iterable[Problem] = (),
    ) -> None:
        self.problems = tuple(problems)
        """Everything that is wrong, each with its place; empty where `message` says it all."""
        self.message = message or "; ".join(map(str, self.problems))
        super().__init__(self.message or self.code)
        self.retry_after = retry_after
        """Seconds after which another attempt makes sense, or None."""
        self.reason = reason
        """What only the log may tell, and finer than `message`: a fixed word like `wrong_secret`,
        never what was sent; None where `message` says it all."""

    @classmethod
    def at(cls, *path: str | int, message: str) -> Self:
        """Return the error of one problem at `path`."""
        return cls(problems=[Problem(path, message)])


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


class PreconditionFailed(PortaError):
    status = 412
    code = "precondition_failed"


class TooManyRequests(PortaError):
    status = 429
    code = "too_many_requests"


class Unavailable(PortaError):
    status = 503
    code = "temporarily_unavailable"
