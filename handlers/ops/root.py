"""Pages of no endpoint: the root of an installation, and the issuer's own address."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError

from handlers.base import PortaHandler
from handlers.pages import NegotiatedPageHandler, PageHandler, TenantPageHandler
from porta.protocol import endpoints

_LINKS = {"discovery": endpoints.OPENID_CONFIGURATION, "jwks": endpoints.JWKS}
_MOST = 50


class RootHandler(PageHandler):
    """GET /: tells nothing of the installation, but in development whose issuers it has."""

    async def get(self) -> None:
        self.set_header("X-Robots-Tag", "noindex, nofollow")
        self.write_page("root", organizations=await self._organizations())
        self.finish()

    async def head(self) -> None:
        await self.get()

    async def _organizations(self) -> list[tuple[str, str]]:
        if self.runtime.settings.environment != "development":
            return []
        base = self.application.base_path
        found = await self.runtime.storage.organizations.list()
        active = [each for each in found if each.status == "active"]
        return [(each.name, f"{base}/{each.slug}") for each in active[:_MOST]]


class OrganizationHandler(NegotiatedPageHandler, TenantPageHandler):
    """GET /{slug}, the issuer as an address: a page for people, nothing for programs."""

    async def prepare(self) -> None:
        if not self.takes_html():
            raise HTTPError(HTTPStatus.NOT_FOUND)
        await super().prepare()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if self.takes_html():
            super().write_error(status_code, **kwargs)
        else:  # like any address that is none, by whatever method
            super().write_error(HTTPStatus.NOT_FOUND)

    async def get(self) -> None:
        developing = self.runtime.settings.environment == "development"
        base = f"{self.application.base_path}/{self.tenant.slug}"
        links = [(name, base + path) for name, path in _LINKS.items()]
        self.finish_page("organization", links=links if developing else ())

    async def head(self) -> None:
        await self.get()


class RobotsHandler(PortaHandler):
    """GET /robots.txt."""

    is_routine = True

    async def get(self) -> None:
        self.finish_text("User-agent: *\nDisallow: /\n")

    async def head(self) -> None:
        await self.get()


class FaviconHandler(PortaHandler):
    """GET /favicon.ico: pages name their own icon."""

    is_routine = True

    async def get(self) -> None:
        self.set_header("Cache-Control", "public, max-age=86400")
        self.finish_empty(HTTPStatus.NO_CONTENT)

    async def head(self) -> None:
        await self.get()
