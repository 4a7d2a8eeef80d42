"""Tornado Application: what every handler of this process shares."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tornado.httputil import format_timestamp
from tornado.web import Application, RequestHandler

from handlers import headers
from handlers.http.open_streams import OpenStreams
from handlers.ops.probe import Probe
from porta.errors import Unavailable
from porta.limits.proxies import is_near
from porta.observability import log, redaction
from porta.runtime import Runtime

_METHOD_LENGTH = 20  # of a line in the log; any token is a method


@dataclass(slots=True)
class ServerState:
    """Where this process stands between its first request and its last."""

    draining: bool = False
    in_flight: int = 0
    max_in_flight: int = 1000
    arriving: int = 0
    """Bytes of large bodies that are not complete."""
    max_arriving: int = 16 * 1024 * 1024
    abandoned: int = 0
    """Requests that nobody waited for any more when their turn came."""


class Porta(Application):
    """Tornado's Application with the runtime, and with what no request should compute anew."""

    def __init__(self, runtime: Runtime, routes: list[Any], fallback: type[RequestHandler]) -> None:
        super().__init__(routes, default_handler_class=fallback)
        settings = runtime.settings
        self.runtime = runtime
        self.life = ServerState()
        self.streams = OpenStreams()
        self.probe = Probe(runtime)
        self.secure: bool = settings.secure
        self.base_path = urlsplit(settings.issuer_base_url).path
        self.common_headers = headers.common(
            settings.issuer_base_url, subdomains=settings.hsts_include_subdomains
        )
        self.log = log.request_log()
        self._date = (0, "")
        self._failing: set[type[RequestHandler]] = set()
        self._noted_proxy = False
        self._refuses_proxies = (
            settings.environment == "production" and not settings.porta_skip_prod_safety
        )

    def date(self) -> str:
        """Return the value of a `Date` header, written once a second."""
        now = int(time.time())
        if self._date[0] != now:
            self._date = (now, format_timestamp(now))
        return self._date[1]

    def meet_untrusted_proxy(self, peer: str) -> None:
        """Tell the log, once, that somebody near names clients and is not believed: everybody
        behind such a proxy shares the limits of one address. Raises Unavailable in production.
        """
        if not is_near(peer):
            return
        if not self._noted_proxy:
            self._noted_proxy = True
            self.log.warning("proxy.untrusted", peer=peer, setting="TRUSTED_PROXIES")
        if self._refuses_proxies:
            raise Unavailable("the proxy before this server is not known to it")

    def log_request(self, handler: RequestHandler) -> None:
        """Write the line of a request; none for what succeeds as it did a moment ago (K16)."""
        if not self.log.is_enabled_for(logging.INFO):
            return
        request = handler.request
        routine = getattr(handler, "is_routine", False) or request.method == "OPTIONS"
        if routine and not self._is_news(handler):
            return
        self.log.info(
            "request",
            method=request.method[:_METHOD_LENGTH],
            url=redaction.mask_path(request.path),
            status=int(handler.get_status()),
            duration_ms=round(request.request_time() * 1000, 2),
        )

    def _is_news(self, handler: RequestHandler) -> bool:
        """Whether a routine request failed, or succeeds again after the server was at fault."""
        kind, status = type(handler), handler.get_status()
        if status >= 500:
            self._failing.add(kind)
        elif status < 400 and kind in self._failing:
            self._failing.remove(kind)
            return True
        return status >= 400
