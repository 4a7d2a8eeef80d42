"""Cross-origin requests: for registered origins of the organization, and never with credentials."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from handlers.base import TenantHandler
from porta.provider import cors
from storage.models.clients import Client

_REQUEST_HEADERS = "Authorization, Content-Type"
_RESPONSE_HEADERS = "WWW-Authenticate, Retry-After"
_ORIGIN_LENGTH = 512


class CrossOriginHandler(TenantHandler):
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
        """Answer a preflight (Fetch §3.2.2); an origin that is not allowed is told nothing."""
        if self._allowed_origin is not None:
            methods = [name for name in self.allowed_methods() if name != "HEAD"]
            self.set_header("Access-Control-Allow-Methods", ", ".join(methods))
            self.set_header("Access-Control-Allow-Headers", _REQUEST_HEADERS)
            self.set_header("Access-Control-Max-Age", self.tenant.config.cors_max_age)
        self.finish_empty(HTTPStatus.NO_CONTENT)


class PublicDocumentHandler(TenantHandler):
    """A document for everybody, whatever the origin; caches may keep it."""

    always_answers = True
    is_routine = True
    max_age: ClassVar[int] = 60

    async def options(self) -> None:
        self._open()
        self.set_header("Access-Control-Allow-Methods", "GET, OPTIONS")
        self.set_header("Access-Control-Max-Age", self.tenant.config.cors_max_age)
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
