"""What no route of the Admin API is at: refused as everything is there."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from handlers.admin_api.answers import ADMIN, cors_headers
from handlers.application import Porta
from handlers.base import PortaHandler
from porta.observability import log

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class AdminErrorHandler(PortaHandler):
    """Whatever is below /api/admin and no route: refused like everything there."""

    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    answers = ADMIN

    def __init__(self, application: Porta, request: HTTPServerRequest, **kwargs: Any) -> None:
        super().__init__(application, request, **kwargs)
        asked = request.headers.get_list("X-Request-Id")
        if len(asked) == 1 and REQUEST_ID.fullmatch(asked[0]):
            self.request_id = asked[0]
            self.about = log.About(self.request_id)
            log.request.set(self.about)
            self.set_header("X-Request-Id", self.request_id)

    def clear(self) -> None:
        super().clear()
        for name, value in cors_headers(self).items():
            self._headers[name] = value

    def prepare(self) -> None:
        raise HTTPError(HTTPStatus.NOT_FOUND)
