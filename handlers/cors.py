"""Cross-origin requests: for registered origins of the organization, and never with credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from porta.provider import cors
from storage.models.clients import Client

if TYPE_CHECKING:
    from handlers.tenant import TenantHandler

_USUAL_HEADERS = "Authorization, Content-Type"
_REQUEST_HEADERS = "Access-Control-Request-Headers"
_HEADERS_LENGTH = 1024
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_NAMES = re.compile(rf"{_TOKEN}([ \t]*,[ \t]*{_TOKEN})*")  # RFC 9110 §5.6.1, §5.6.2
_RESPONSE_HEADERS = "WWW-Authenticate, Retry-After"
_ORIGIN_LENGTH = 512
_VARIED = {"Vary": "Origin"}


class Policy:
    """Whose pages may read an answer: here those of no other origin."""

    def headers(self, handler: TenantHandler) -> Mapping[str, str]:
        """Return the headers that an answer begins with, an error as well."""
        del handler
        return {}

    async def admit(self, handler: TenantHandler) -> None:
        """Find out whether the origin of the request may read the answer."""

    def answer_preflight(self, handler: TenantHandler) -> None:
        """Answer a preflight (Fetch §3.2.2); an origin that is not allowed is told nothing."""
        handler.set_header("Vary", f"Origin, {_REQUEST_HEADERS}")
        handler.finish_empty(HTTPStatus.NO_CONTENT)


class RegisteredOrigins(Policy):
    """A browser application may read an answer when a client registered its origin."""

    def headers(self, handler: TenantHandler) -> Mapping[str, str]:
        if handler.allowed_origin is None:
            return _VARIED
        return {
            **_VARIED,
            "Access-Control-Allow-Origin": handler.allowed_origin,
            "Access-Control-Expose-Headers": _RESPONSE_HEADERS,
        }

    async def admit(self, handler: TenantHandler) -> None:
        origin = handler.request.headers.get("Origin")
        if origin is None or len(origin) > _ORIGIN_LENGTH:
            return
        named = handler.named_client()
        if await cors.origin_allowed(handler.runtime, handler.tenant, origin, named):
            handler.allowed_origin = origin
            handler.clear()

    def withdraw(self, handler: TenantHandler, client: Client) -> None:
        """Withdraw the permission when `client`, known only now, did not register the origin."""
        origin = handler.allowed_origin
        if origin is not None and not cors.is_registered(client, origin):
            handler.allowed_origin = None
            for name in ("Access-Control-Allow-Origin", "Access-Control-Expose-Headers"):
                handler.clear_header(name)

    def answer_preflight(self, handler: TenantHandler) -> None:
        if handler.allowed_origin is not None:
            _allow(handler, [name for name in handler.allowed_methods() if name != "HEAD"])
        super().answer_preflight(handler)


class AnyOrigin(Policy):
    """A document for everybody, whatever the origin."""

    def open(self, handler: TenantHandler) -> None:
        """Let any page read the answer; an error is not opened."""
        handler.set_header("Access-Control-Allow-Origin", "*")

    def answer_preflight(self, handler: TenantHandler) -> None:
        self.open(handler)
        handler.set_header("Vary", _REQUEST_HEADERS)
        _allow(handler, ["GET", "OPTIONS"])
        handler.finish_empty(HTTPStatus.NO_CONTENT)


def _allow(handler: TenantHandler, methods: list[str]) -> None:
    """Allow these methods, with whatever headers are asked for: none of them is a right.

    What may be read takes a credential that no browser adds by itself, or takes none at all;
    an interceptor may add what it likes beside it (`traceparent`, `X-Requested-With`, …).
    """
    handler.set_header("Access-Control-Allow-Methods", ", ".join(methods))
    handler.set_header("Access-Control-Allow-Headers", _asked(handler) or _USUAL_HEADERS)
    handler.set_header("Access-Control-Max-Age", handler.tenant.config.cors_max_age)


def _asked(handler: TenantHandler) -> str | None:
    """Return the names that a preflight asks for, if they are some, and not too many."""
    asked = ",".join(handler.request.headers.get_list(_REQUEST_HEADERS))
    fits = len(asked) <= _HEADERS_LENGTH and _NAMES.fullmatch(asked)
    return asked if fits else None


SAME_ORIGIN = Policy()
REGISTERED_ORIGINS = RegisteredOrigins()
ANY_ORIGIN = AnyOrigin()
