"""Page handlers: answers for people, in their language and their organization's look."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Any

from handlers import headers
from handlers.base import PortaHandler
from handlers.browser_cookies import BrowserHandler
from handlers.errors import Failure, tenant_failure
from handlers.languages import LanguageHandler
from porta.errors import PortaError
from porta.observability import log
from porta.pages import branding
from porta.pages.values import PAGES, utc_time
from porta.protocol.clients.client_links import find_home
from porta.protocol.errors import InvalidRequest, OAuthError, UntrustedRequest
from porta.tenants.resolve import OrganizationSuspended
from storage.errors import Unreachable
from storage.models.clients import Client
from storage.models.organizations import Organization

_KINDS = {
    400: "invalid_request",
    403: "access_denied",
    404: "not_found",
    413: "invalid_request",
    429: "rate_limited",
    500: "server_error",
    503: "unavailable",
}
_PASSING = frozenset({429, 503})
"""Statuses after which the same request may well succeed."""
_PAUSED = "org_suspended"
_TOLD = frozenset(
    {
        "interaction_expired",
        "cookies_required",
        "already_finished",
        "org_not_found",
        _PAUSED,
    }
)
"""Codes that the error page has words of its own for."""


def way_to(client: Client, redirect_uri: str | None = None) -> dict[str, Any]:
    """Return what a page needs to lead to an application, at an address that is registered."""
    return {
        "client_name": client.client_name,
        "client_url": find_home(client, redirect_uri),
    }


def _passes(failure: Failure) -> bool:
    return failure.status in _PASSING or failure.code == _PAUSED


class PageHandler(LanguageHandler):
    """A handler whose answers are read by a person."""

    _error: BaseException | None = None

    def organization(self) -> Organization | None:
        """Return whose colours the page wears, or None for none."""
        return None

    def ui_locales(self) -> str | None:
        """Return the languages that the authorization request asked for."""
        return None

    def language(self) -> str:
        """Return the locale to answer in: what the person chose comes before all else."""
        return self.chosen_language() or self.negotiated_language()

    def negotiated_language(self) -> str:
        """Return the locale that suits the request and the browser."""
        organization = self.organization()
        return self.runtime.pages.negotiate(
            self.ui_locales(),
            self.request.headers.get("Accept-Language"),
            organization.default_locale if organization else None,
        )

    def write_page(self, name: str, **values: Any) -> None:
        """Write a page of PAGES."""
        language = self.language()
        html = self.runtime.pages.render(
            name,
            organization=self.organization(),
            locale=language,
            menu=self.menu_query(),
            **values,
        )
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Language", language)
        self.set_header("Content-Security-Policy", headers.page_policy(leaves=PAGES[name].leaves))
        self.write(html)

    def write_failure(self, failure: Failure) -> None:
        told, ways = failure.code in _TOLD, self.ways_on()
        retry_url = self.retry_url() if _passes(failure) else None
        leads_on = retry_url or ways.get("restart_url") or ways.get("client_url")
        self.write_page(
            "error",
            kind=failure.code if told else _KINDS.get(failure.status, "generic"),
            code=failure.code,
            support_code=self.support_code(),
            **self.wait(failure.retry_after if failure.status == 429 else None),
            retry_url=retry_url,
            home_url=None if leads_on else self.home_url(),
            **self.explanation(),
            **ways,
        )

    def log_refusal(self, failure: Failure) -> None:
        self.support_code()
        super().log_refusal(failure)

    def log_exception(self, *error: Any) -> None:
        self.support_code()
        super().log_exception(*error)

    def refused_values(self) -> dict[str, str]:
        """Return the client_id or redirect URI that is not registered: no secret, and bounded."""
        error = self._error
        if not isinstance(error, UntrustedRequest) or error.received is None:
            return {}
        return {"received": log.bounded(error.received)}

    def support_code(self) -> str:
        """Return what a person can name to support; every further line of the request has it."""
        self.about.support_code = log.support_code(self.request_id)
        return self.about.support_code

    def wait(self, seconds: int | None) -> dict[str, Any]:
        """Return what a page needs to say how long to wait, and until when."""
        if seconds is None:
            return {}
        return {"retry_after": seconds, "retry_at": utc_time(self.runtime.clock() + seconds)}

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self._error = kwargs.get("exc_info", (None, None, None))[1]
        super().write_error(status_code, **kwargs)

    def explanation(self) -> dict[str, Any]:
        """Return what a developer has to mend: a fixed sentence, and the values in development."""
        error = self._error
        if not isinstance(error, OAuthError):
            return {}
        told: dict[str, Any] = {"reason": log.bounded(error.message)}
        developing = self.runtime.settings.environment == "development"
        if developing and isinstance(error, UntrustedRequest):
            told |= {"received": error.received, "registered": error.registered}
        return told

    def ways_on(self) -> dict[str, Any]:
        """Return what an error page knows of the application and of beginning again."""
        return {}

    def home_url(self) -> str:
        """Return the way on where no other is known: the organization's page, or the first one."""
        organization, base = self.organization(), self.application.base_path
        if organization is None:
            return f"{base}/"
        return branding.brand(organization).home_url or f"{base}/{organization.slug}"

    def takes_html(self) -> bool:
        """Whether a person asks, by a browser."""
        return "text/html" in self.request.headers.get("Accept", "")

    def retry_url(self) -> str | None:
        """Return this very address; None for a form, and for what is no path of ours."""
        request = self.request
        asked_again = request.method == "GET" and request.uri and request.uri.startswith("/")
        return f"{self.application.base_path}{request.uri}" if asked_again else None


class NegotiatedPageHandler(PageHandler):
    """An address that people happen upon: a page for a browser, the bare answer for a program."""

    def write_failure(self, failure: Failure) -> None:
        if self.takes_html():
            super().write_failure(failure)
        else:
            PortaHandler.write_failure(self, failure)


class TenantPageHandler(PageHandler, BrowserHandler):
    """A page of an organization."""

    _suspended: Organization | None = None
    _ways: dict[str, Any] | None = None

    def organization(self) -> Organization | None:
        return self.tenant.organization if self.has_tenant() else self._suspended

    def ways_on(self) -> dict[str, Any]:
        return self._ways or {}

    async def name_application(self) -> None:
        """Look for the client that the request names: what refuses the request leads to it."""
        organization, client_id = self.organization(), self.claimed_client()
        if organization is None or client_id is None:
            return
        with suppress(Unreachable):
            client = await self.runtime.client(client_id, organization.id)
            if client is not None and client.active:
                self._ways = way_to(client)

    def ui_locales(self) -> str | None:
        """Return the languages that this request names."""
        return self._named("ui_locales")

    def claimed_client(self) -> str | None:
        return self._named("client_id")

    def _named(self, name: str) -> str | None:
        """Return a parameter of this request, as far as those can be read."""
        for read in (self.query, self.form):
            with suppress(InvalidRequest):
                if named := read(deferred=True).get(name):
                    return named
        return None

    def negotiated_language(self) -> str:
        if not self.has_tenant():
            return super().negotiated_language()
        return self.runtime.pages.negotiate(
            self.ui_locales(),
            self.request.headers.get("Accept-Language"),
            self.tenant.organization.default_locale,
            self.tenant.config.default_locale,
        )

    async def refuse_tenant(self, refusal: PortaError) -> None:
        if isinstance(refusal, OrganizationSuspended):
            self._suspended = refusal.organization
        if not self.takes_html():
            await super().refuse_tenant(refusal)
            return
        await self.name_application()
        failure = tenant_failure(refusal)
        self.log_refusal(failure)
        self.set_status(failure.status)
        self.write_failure(failure)
        self.finish()

    def has_tenant(self) -> bool:
        """Whether the organization was resolved; an error may come before that."""
        return hasattr(self, "tenant")

    def finish_page(
        self,
        name: str,
        *,
        status: int = HTTPStatus.OK,
        **values: Any,
    ) -> None:
        """Answer with a page of PAGES; one that refuses has its reason as `error`."""
        if status >= HTTPStatus.BAD_REQUEST:
            kind = _KINDS.get(status, "invalid_request")
            self.log_refusal(Failure(status, kind, str(values.get("error", ""))))
        self.set_status(status)
        self.write_page(name, **values)
        self.finish()
