"""Style sheets and scripts of the pages: ours, and the organizations'."""

from __future__ import annotations

from http import HTTPStatus

from tornado.web import HTTPError

from handlers.base import PortaHandler, TenantHandler
from porta.errors import PortaError
from porta.pages import branding
from porta.pages.static_files import FOR_EVER
from porta.tenants.resolve import OrganizationSuspended
from storage.models.organizations import Organization


class StaticHandler(PortaHandler):
    """GET /static/{name}: the hash of its content is in the name."""

    is_routine = True

    async def get(self) -> None:
        file = self.runtime.pages.static(self.request.path.rpartition("/")[2])
        if file is None:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        self.set_header("Content-Type", file.content_type)
        self.set_header("Cache-Control", file.cache_control)
        self.set_header("Etag", file.etag)
        if self.check_etag_header():
            self.finish_empty(HTTPStatus.NOT_MODIFIED)
        else:
            self.finish(file.content)

    async def head(self) -> None:
        await self.get()


class BrandingHandler(TenantHandler):
    """GET /{slug}/branding.css?v=…: the organization's colours and its custom CSS."""

    is_routine = True
    _suspended: Organization | None = None

    async def refuse_tenant(self, refusal: PortaError) -> None:
        if isinstance(refusal, OrganizationSuspended):  # the page that says so wears it
            self._suspended = refusal.organization
        else:
            await super().refuse_tenant(refusal)

    async def get(self) -> None:
        organization = self._suspended or self.tenant.organization
        current = self.query().get("v") == branding.stylesheet_version(organization)
        # An old page asks for an old version: it gets today's, not to be kept under that name.
        self.set_header("Cache-Control", FOR_EVER if current else "no-cache")
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.finish(await self.runtime.stylesheets.get(organization))

    async def head(self) -> None:
        await self.get()
