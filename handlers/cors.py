"""Cross-origin requests: for registered origins of the organization, and never with credentials."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import ClassVar, TypeVar

from handlers.base import TenantHandler
from porta.provider import cors
from storage.errors import Unreachable
from storage.models.clients import Client

T = TypeVar("T")

_USUAL_HEADERS = "Authorization, Content-Type"
_REQUEST_HEADERS = "Access-Control-Request-Headers"
_HEADERS_LENGTH = 1024
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_NAMES = re.compile(rf"{_TOKEN}([ \t]*,[ \t]*{_TOKEN})*")  # RFC 9110 §5.6.1, §5.6.2
_RESPONSE_HEADERS = "WWW-Authenticate, Retry-After"
_ORIGIN_LENGTH = 512
_SILENCE = 0.4  # seconds for which a public document waits for a database that says nothing


class PreflightHandler(TenantHandler):
    """Answers preflights (Fetch §3.2.2)."""

    def allow(self, methods: list[str]) -> None:
        """Allow these methods, with whatever headers are asked for: none of them is a right.

        What may be read takes a credential that no browser adds by itself, or takes none at all;
        an interceptor may add what it likes beside it (`traceparent`, `X-Requested-With`, …).
        """
        self.set_header("Access-Control-Allow-Methods", ", ".join(methods))
        self.set_header("Access-Control-Allow-Headers", self._asked() or _USUAL_HEADERS)
        self.set_header("Access-Control-Max-Age", self.tenant.config.cors_max_age)

    def _asked(self) -> str | None:
        """Return the names that a preflight asks for, if they are some, and not too many."""
        asked = ",".join(self.request.headers.get_list(_REQUEST_HEADERS))
        fits = len(asked) <= _HEADERS_LENGTH and _NAMES.fullmatch(asked)
        return asked if fits else None


class CrossOriginHandler(PreflightHandler):
    """An endpoint that a browser application may call when a client registered its origin."""

    _allowed_origin: str | None = None

    def clear(self) -> None:
        super().clear()
        self._headers["Vary"] = "Origin"
        if self._allowed_origin is not None:
            # Set here, and not in prepare, so that a browser can read an error as well.
            self._headers["Access-Control-Allow-Origin"] = self._allowed_origin
            self._headers["Access-Control-Expose-Headers"] = _RESPONSE_HEADERS

    async def prepare(self) -> None:
        await super().prepare()
        origin = self.request.headers.get("Origin")
        if origin is None or self._finished or len(origin) > _ORIGIN_LENGTH:
            return
        if await cors.origin_allowed(self.runtime, self.tenant, origin, self.named_client()):
            self._allowed_origin = origin
            self.clear()

    def keep_origin_of(self, client: Client) -> None:
        """Withdraw the permission when `client`, known only now, did not register the origin."""
        if self._allowed_origin is not None and not cors.is_registered(
            client, self._allowed_origin
        ):
            self._allowed_origin = None
            for name in ("Access-Control-Allow-Origin", "Access-Control-Expose-Headers"):
                self.clear_header(name)

    def named_client(self) -> str | None:
        """Return the client_id that the request names in the open, if it does."""
        return None

    async def options(self) -> None:
        """Answer a preflight; an origin that is not allowed is told nothing."""
        self.set_header("Vary", f"Origin, {_REQUEST_HEADERS}")
        if self._allowed_origin is not None:
            self.allow([name for name in self.allowed_methods() if name != "HEAD"])
        self.finish_empty(HTTPStatus.NO_CONTENT)


class PublicDocumentHandler(PreflightHandler):
    """A document for everybody, whatever the origin; caches may keep it."""

    always_answers = True
    is_routine = True
    max_age: ClassVar[int] = 60

    async def prepare(self) -> None:
        self._answers = self.runtime.storage.answers
        if self.runtime.has_tenant(self.slug()):
            await super().prepare()
        else:
            await self.unless_silent(super().prepare)

    async def unless_silent(self, read: Callable[[], Awaitable[T]]) -> T:
        """Return what `read` returns; it only reads, and may be called twice.

        Raises Unreachable where PostgreSQL has answered nobody since the request came, in time for
        an answer within 0.5 s (requirement K.3): one that is slow and well is waited for. What is
        being read meanwhile is there for whoever comes again.
        """
        try:
            async with asyncio.timeout(max(_SILENCE - self.request.request_time(), 0)):
                return await read()
        except TimeoutError:
            if self.runtime.storage.answers == self._answers:
                raise Unreachable("PostgreSQL says nothing") from None
        return await read()

    async def options(self) -> None:
        self._open()
        self.set_header("Vary", _REQUEST_HEADERS)
        self.allow(["GET", "OPTIONS"])
        self.finish_empty(HTTPStatus.NO_CONTENT)

    async def head(self) -> None:
        await self.get()

    async def get(self) -> None:
        raise NotImplementedError

    def finish_document(self, document: object, *, max_age: int) -> None:
        """Answer with `document`, for caches to keep `max_age` seconds."""
        self._open()
        self.set_header("Cache-Control", f"public, max-age={max_age}")
        self.finish(self.encode(document))

    def _open(self) -> None:
        self.set_header("Access-Control-Allow-Origin", "*")
