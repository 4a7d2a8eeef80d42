"""Style sheets and scripts of the pages: ours, and the organizations'."""

from __future__ import annotations

from http import HTTPStatus

from tornado.web import HTTPError

from handlers.base import PortaHandler
from handlers.tenant import TenantHandler
from porta.errors import PortaError
from porta.pages import branding
from porta.pages.encodings import Encoded
from porta.pages.static_files import FOR_EVER
from porta.tenants.resolve import OrganizationSuspended


class StaticHandler(PortaHandler):
    """GET /static/{name}: the hash of its content is in the name."""

    is_routine = True

    async def get(self) -> None:
        file = self.runtime.pages.static(self.request.path.rpartition("/")[2])
        if file is None:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        self.set_header("Content-Type", file.content_type)
        self.set_header("Cache-Control", file.cache_control)
        content = _encoded(self, file.content)
        # Another coding is another representation, with a tag of its own (RFC 9110 §8.8.3.3).
        tag = file.etag.strip('"')
        self.set_header("Etag", f'"{tag}-gzip"' if content is file.content.gzip else file.etag)
        if self.check_etag_header():
            self.clear_header("Content-Encoding")
            self.finish_empty(HTTPStatus.NOT_MODIFIED)
        else:
            self.finish(content)

    async def head(self) -> None:
        await self.get()


class BrandingHandler(TenantHandler):
    """GET /{slug}/branding.css?v=…: the organization's colours and its custom CSS."""

    is_routine = True

    async def refuse_tenant(self, refusal: PortaError) -> None:
        if isinstance(refusal, OrganizationSuspended):  # the page that says so wears it
            self.suspended = refusal.organization
        else:
            await super().refuse_tenant(refusal)

    async def get(self) -> None:
        organization = self.suspended or self.tenant.organization
        current = self.query().get("v") == branding.stylesheet_version(organization)
        # An old page asks for an old version: it gets today's, not to be kept under that name.
        self.set_header("Cache-Control", FOR_EVER if current else "no-cache")
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.finish(_encoded(self, await self.runtime.stylesheets.get(organization)))

    async def head(self) -> None:
        await self.get()


def _encoded(handler: PortaHandler, content: Encoded) -> bytes:
    """Return `content` in the coding that was asked for, its headers set."""
    chosen, coding = content.choose(handler.request.headers.get("Accept-Encoding"))
    handler.set_header("Vary", "Accept-Encoding")
    if coding:
        handler.set_header("Content-Encoding", coding)
    return chosen
