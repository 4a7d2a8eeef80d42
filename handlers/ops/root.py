"""Root page of an installation, which tells nothing of it."""

from __future__ import annotations

from http import HTTPStatus

from handlers.base import PortaHandler
from handlers.pages import PageHandler


class RootHandler(PageHandler):
    """GET /."""

    async def get(self) -> None:
        self.set_header("X-Robots-Tag", "noindex, nofollow")
        self.write_page("root")
        self.finish()

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
