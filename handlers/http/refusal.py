"""Fallback handlers: an unknown path, a message that is too large, an overload."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError, RequestHandler

from handlers.answers import Answers
from handlers.base import PortaHandler
from handlers.pages import FOR_BROWSERS
from porta.tenants.slugs import is_slug
from storage.errors import Unreachable
from storage.models.organizations import Organization


class NotFoundHandler(PortaHandler):
    """Whatever no route knows, by whatever method. Every such answer looks alike."""

    answers = FOR_BROWSERS
    _organization: Organization | None = None

    async def prepare(self) -> None:
        slug = self.request.path.split("/", 2)[1:2]
        if self.takes_html() and slug and is_slug(slug[0]):
            with suppress(Unreachable):
                found = await self.runtime.organization(slug[0])
                self._organization = found if found and found.status == "active" else None
        raise HTTPError(HTTPStatus.NOT_FOUND)

    def organization(self) -> Organization | None:
        return self._organization

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        super().write_error(HTTPStatus.NOT_FOUND)


class RefusalHandler(PortaHandler):
    """A message that was refused by its header, or for its length."""

    SUPPORTED_METHODS = RequestHandler.SUPPORTED_METHODS

    def initialize(self, status: HTTPStatus, closing: bool, answers: Answers) -> None:
        self.answers = answers
        self._refusal = status
        self._closing = closing

    async def prepare(self) -> None:
        raise HTTPError(self._refusal)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if self._closing:  # the body is not read
            self.set_header("Connection", "close")
        super().write_error(status_code, **kwargs)
