"""Tenant handler: a request below the path of an organization."""

from __future__ import annotations

from typing import Any, ClassVar

from handlers import browser_cookies
from handlers.base import PortaHandler
from handlers.cors import SAME_ORIGIN, Policy
from porta.browser.binding import Browser
from porta.errors import Forbidden, NotFound, PortaError
from porta.pages import client_brands
from porta.tenants import resolve
from porta.tenants.resolve import OrganizationSuspended
from porta.tenants.tenant import Tenant
from storage.models.clients import Client
from storage.models.interactions import Interaction
from storage.models.organizations import Organization


class TenantHandler(PortaHandler):
    """Resolves the tenant before anything else is done."""

    origins: ClassVar[Policy] = SAME_ORIGIN
    """Whose pages may read the answers."""
    tenant: Tenant
    suspended: Organization | None = None
    """The organization of the path, where it is refused for being suspended."""
    allowed_origin: str | None = None
    """The origin of the request, when its pages may read the answer."""
    ways: dict[str, Any] | None = None
    """What is known of the application that a page can lead to."""
    met: Interaction | None = None
    """The interaction that the request belongs to, as it was found."""
    wears: Client | None = None
    """The client whose look its pages have, where that has one of its own."""
    _browser: Browser | None = None

    def clear(self) -> None:
        super().clear()
        for name, value in self.origins.headers(self).items():
            self._headers[name] = value

    async def prepare(self) -> None:
        try:
            self.tenant = await resolve.resolve(self.runtime, self.slug())
        except (NotFound, Forbidden) as refusal:
            await self.refuse_tenant(refusal)
        else:
            self.about.organization = self.tenant.slug
            await self.origins.admit(self)

    def slug(self) -> str:
        """Return the organization's name as the request spells it: never decoded or folded."""
        return self.request.path.split("/", 2)[1]

    async def refuse_tenant(self, refusal: PortaError) -> None:
        """Answer for an organization that is unknown, archived or suspended."""
        if isinstance(refusal, OrganizationSuspended):
            self.suspended = refusal.organization
        await self.answers.refuse_tenant(self, refusal)

    def has_tenant(self) -> bool:
        """Whether the organization was resolved; an error may come before that."""
        return hasattr(self, "tenant")

    def browser(self) -> Browser:
        """Return what the browser presents. What it presents twice counts for nothing, and goes."""
        if self._browser is None:
            self._browser = browser_cookies.read(self)
        return self._browser

    def named_client(self) -> str | None:
        """Return the client_id that the request names in the open, if it does."""
        return None

    def organization(self) -> Organization | None:
        if not self.has_tenant():
            return self.suspended
        return client_brands.dress(self.tenant.organization, self.wears)

    def default_locales(self) -> tuple[str | None, ...]:
        if not self.has_tenant():
            return super().default_locales()
        return self.tenant.organization.default_locale, self.tenant.config.default_locale

    def ui_locales(self) -> str | None:
        """Return the languages that this request names."""
        return self.named("ui_locales")

    def ways_on(self) -> dict[str, Any]:
        return self.ways or {}
