"""Pages of no endpoint: the root of an installation, and the issuer's own address."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError

from handlers import cookies
from handlers.base import PortaHandler
from handlers.pages import FOR_BROWSERS, FOR_PEOPLE, finish_page, name_application, way_to
from handlers.tenant import TenantHandler
from porta.browser import sessions
from porta.pages import branding
from porta.protocol import endpoints
from porta.protocol.errors import InvalidRequest
from porta.tenants.slugs import is_slug
from storage.errors import Unreachable
from storage.models.artifacts import Session
from storage.models.organizations import Organization

_LINKS = {"discovery": endpoints.OPENID_CONFIGURATION, "jwks": endpoints.JWKS}
_MOST = 50


class RootHandler(PortaHandler):
    """GET /: leads to an organization, and tells of none but those that this browser knows; in
    development of all.
    """

    answers = FOR_PEOPLE

    async def get(self) -> None:
        self.set_header("X-Robots-Tag", "noindex, nofollow")
        named = self._named()
        if is_slug(named):  # whether there is one is told there, as to anybody who asks for it
            self.see_other(f"{self.application.base_path}/{named}")
            return
        finish_page(
            self,
            "root",
            known_organizations=await self._known(),
            wrong=bool(named),
            organizations=await self._organizations(),
        )

    async def head(self) -> None:
        await self.get()

    def _named(self) -> str:
        """Return what was typed as an organization's name, or the last part of an address."""
        with suppress(InvalidRequest):
            typed = self.query(deferred=True).get("organization") or ""
            return typed.strip().rstrip("/").rpartition("/")[2].lower()
        return ""

    async def _known(self) -> list[tuple[str, str]]:
        """Return the organizations that this browser signed in to, the last one first."""
        secure = self.application.secure
        slugs = cookies.organizations(self.jar, secure=secure, named=cookies.known_name)
        with suppress(Unreachable):
            latest = slugs[: -cookies.MOST_ORGANIZATIONS - 1 : -1]
            return self._links([await self.runtime.organization(s) for s in latest if is_slug(s)])
        return []

    async def _organizations(self) -> list[tuple[str, str]]:
        if self.runtime.settings.environment != "development":
            return []
        return self._links(await self.runtime.storage.everywhere.organizations.list())[:_MOST]

    def _links(self, found: Iterable[Organization | None]) -> list[tuple[str, str]]:
        base, active = self.application.base_path, [o for o in found if o and o.status == "active"]
        return [(branding.brand(each).company, f"{base}/{each.slug}") for each in active]


class OrganizationHandler(TenantHandler):
    """GET /{slug}, the issuer as an address: a page for people, nothing for programs."""

    answers = FOR_BROWSERS

    async def prepare(self) -> None:
        if not self.takes_html():
            raise HTTPError(HTTPStatus.NOT_FOUND)
        await super().prepare()

    def claimed_client(self) -> str | None:
        return self.named("client_id")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if self.takes_html():
            super().write_error(status_code, **kwargs)
        else:  # like any address that is none, by whatever method
            super().write_error(HTTPStatus.NOT_FOUND)

    async def get(self) -> None:
        developing = self.runtime.settings.environment == "development"
        base = f"{self.application.base_path}/{self.tenant.slug}"
        links = [(name, base + path) for name, path in _LINKS.items()]
        session = await self._session()
        if not await self._names_last_application(session):
            await name_application(self)
        finish_page(
            self,
            "organization",
            account_url=base + endpoints.ACCOUNT if session else None,
            sign_out_url=base + endpoints.END_SESSION if session else None,
            links=links if developing else (),
            **self.ways_on(),
        )

    async def head(self) -> None:
        await self.get()

    async def _names_last_application(self, session: Session | None) -> bool:
        """Lead to the application that this browser signed in to last, if it has a page."""
        with suppress(Unreachable):
            last = session and await sessions.find_last_client(self.runtime, self.tenant, session)
            if last and (way := way_to(last))["client_url"]:
                self.ways = way
                return True
        return False

    async def _session(self) -> Session | None:
        with suppress(Unreachable):
            return await sessions.find(self.runtime, self.tenant, self.browser())
        return None


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
