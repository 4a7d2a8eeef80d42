"""Style sheets, scripts and images of the pages: ours, and the organizations'."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus

from tornado.web import HTTPError

from handlers.base import PortaHandler
from handlers.headers import IMAGE_POLICY
from handlers.tenant import TenantHandler
from porta.errors import PortaError
from porta.pages import branding, client_brands
from porta.pages.encodings import Encoded
from porta.pages.static_files import FOR_EVER
from porta.services import brand_assets
from porta.tenants.resolve import OrganizationSuspended
from storage.errors import Unreachable
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


class LookHandler(TenantHandler):
    """What the pages of an organization wear, and the page that says that it is suspended."""

    is_routine = True

    async def refuse_tenant(self, refusal: PortaError) -> None:
        if isinstance(refusal, OrganizationSuspended):
            self.suspended = refusal.organization
        else:
            await super().refuse_tenant(refusal)

    def wearer(self) -> Organization:
        return self.suspended or self.tenant.organization

    async def get(self) -> None:
        raise NotImplementedError

    async def head(self) -> None:
        await self.get()


class BrandingHandler(LookHandler):
    """GET /{slug}/branding.css?v=…: the organization's colours and its custom CSS, or those of its
    `client`.
    """

    async def get(self) -> None:
        organization = await self._dressed(self.wearer())
        current = self.query().get("v") == branding.stylesheet_version(organization)
        # An old page asks for an old version: it gets today's, not to be kept under that name.
        self.set_header("Cache-Control", FOR_EVER if current else "no-cache")
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.finish(_encoded(self, await self.runtime.stylesheets.get(organization)))

    async def _dressed(self, organization: Organization) -> Organization:
        """Return the organization as the client that the address names shows it."""
        client_id = self.query().get("client")
        if client_id is None:
            return organization
        with suppress(Unreachable):
            client = await self.runtime.client(client_id, organization.id)
            return client_brands.dress(organization, client)
        return organization


class ImageHandler(LookHandler):
    """GET /{slug}/branding/{name}: an uploaded image, the hash of its content in the name."""

    async def get(self) -> None:
        organization, name = self.wearer(), self.request.path.rpartition("/")[2]
        asset = brand_assets.find_public(organization, name)
        if asset is None:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        # An old page asks for an old image: it gets today's, not to be kept under that name.
        self.set_header("Cache-Control", FOR_EVER if asset.name == name else "no-cache")
        self.set_header("Content-Type", asset.content_type)
        self.set_header("Content-Security-Policy", IMAGE_POLICY)
        self.set_header("Etag", f'"{asset.name}"')
        if self.check_etag_header():
            self.finish_empty(HTTPStatus.NOT_MODIFIED)
        else:
            self.finish(await brand_assets.find_content(self.runtime, organization, asset))


def _encoded(handler: PortaHandler, content: Encoded) -> bytes:
    """Return `content` in the coding that was asked for, its headers set."""
    chosen, coding = content.choose(handler.request.headers.get("Accept-Encoding"))
    handler.set_header("Vary", "Accept-Encoding")
    if coding:
        handler.set_header("Content-Encoding", coding)
    return chosen
