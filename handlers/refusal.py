"""Answers to what no handler is for: an unknown path, a message that is too large, an overload."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError

from handlers.base import PortaHandler


class NotFoundHandler(PortaHandler):
    """Whatever no route knows, by whatever method. Every such answer looks alike."""

    async def prepare(self) -> None:
        self.begin()
        raise HTTPError(HTTPStatus.NOT_FOUND)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        super().write_error(HTTPStatus.NOT_FOUND)


class RefusalHandler(PortaHandler):
    """A message that was refused by its header."""

    def initialize(self, status: HTTPStatus) -> None:
        self._refusal = status

    async def prepare(self) -> None:
        self.begin()
        raise HTTPError(self._refusal)
