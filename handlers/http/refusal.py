"""Fallback handlers: an unknown path, a message that is too large, an overload."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError

from handlers.base import PortaHandler


class NotFoundHandler(PortaHandler):
    """Whatever no route knows, by whatever method. Every such answer looks alike."""

    async def prepare(self) -> None:
        raise HTTPError(HTTPStatus.NOT_FOUND)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        super().write_error(HTTPStatus.NOT_FOUND)


class RefusalHandler(PortaHandler):
    """A message that was refused by its header, or for its length."""

    def initialize(self, status: HTTPStatus, closing: bool) -> None:
        self._refusal = status
        self._closing = closing

    async def prepare(self) -> None:
        raise HTTPError(self._refusal)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if self._closing:  # the body is not read
            self.set_header("Connection", "close")
        super().write_error(status_code, **kwargs)
