"""PageAnswers: answers for people, in their language and their organization's look."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Any

from handlers import headers, languages, traces
from handlers.answers import Answers
from handlers.base import PortaHandler
from handlers.errors import Failure, tenant_failure
from handlers.tenant import TenantHandler
from porta.errors import PortaError
from porta.observability import log, redaction
from porta.pages import branding
from porta.pages.values import PAGES, utc_time
from porta.protocol.clients.client_links import find_home
from porta.protocol.errors import OAuthError, UntrustedRequest
from storage.errors import Unreachable
from storage.models.clients import Client

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
        "login_method_disabled",
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


def write_page(handler: PortaHandler, name: str, **values: Any) -> None:
    """Write a page of PAGES."""
    language = languages.language(handler)
    html = handler.runtime.pages.render(
        name,
        organization=handler.organization(),
        locale=language,
        is_secret=handler.is_secret,
        menu=handler.menu_query(),
        **values,
    )
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    handler.set_header("Content-Language", language)
    policy = headers.page_policy(leaves=PAGES[name].leaves, is_secret=handler.is_secret)
    handler.set_header("Content-Security-Policy", policy)
    handler.write(html)


def finish_page(
    handler: PortaHandler, name: str, *, status: int = HTTPStatus.OK, **values: Any
) -> None:
    """Answer with a page of PAGES; one that refuses has its reason as `error`."""
    if status >= HTTPStatus.BAD_REQUEST:
        kind = _KINDS.get(status, "invalid_request")
        handler.log_refusal(Failure(status, kind, str(values.get("error", ""))))
    handler.set_status(status)
    write_page(handler, name, **values)
    handler.finish()


def wait(handler: PortaHandler, seconds: int | None) -> dict[str, Any]:
    """Return what a page needs to say how long to wait, and until when."""
    if seconds is None:
        return {}
    return {"retry_after": seconds, "retry_at": utc_time(handler.runtime.clock() + seconds)}


async def name_application(handler: TenantHandler) -> None:
    """Look for the client that the request names: what refuses the request leads to it."""
    organization, client_id = handler.organization(), handler.claimed_client()
    if organization is None or client_id is None:
        return
    with suppress(Unreachable):
        client = await handler.runtime.client(client_id, organization.id)
        if client is not None and client.active:
            handler.ways = way_to(client)
            handler.wears = client


class PageAnswers(Answers):
    """Tells what failed to a person."""

    def write_failure(self, handler: PortaHandler, failure: Failure) -> None:
        told, ways = failure.code in _TOLD, handler.ways_on()
        retry_url = handler.retry_url() if _passes(failure) else None
        handler.shows_code = True
        leads_on = retry_url or ways.get("restart_url") or ways.get("client_url")
        write_page(
            handler,
            "error",
            kind=failure.code if told else _KINDS.get(failure.status, "generic"),
            code=failure.code,
            support_code=_support_code(handler),
            **wait(handler, failure.retry_after if failure.status == 429 else None),
            retry_url=retry_url,
            home_url=None if leads_on else home_url(handler),
            **_explanation(handler),
            **ways,
        )

    async def refuse_tenant(self, handler: TenantHandler, refusal: PortaError) -> None:
        if not handler.takes_html():
            await super().refuse_tenant(handler, refusal)
            return
        await name_application(handler)
        failure = tenant_failure(refusal)
        handler.log_refusal(failure)
        handler.set_status(failure.status)
        handler.write_failure(failure)
        handler.finish()

    def before_log(self, handler: PortaHandler) -> None:
        _support_code(handler)

    def refused_values(self, handler: PortaHandler) -> dict[str, str]:
        """Return the client_id or redirect URI that is not registered: no secret, and bounded."""
        error = handler.error
        if not isinstance(error, UntrustedRequest) or error.received is None:
            return {}
        return {"received": redaction.bounded(error.received)}

    def before_finish(self, handler: PortaHandler) -> None:
        languages.remember(handler)

    def after_finish(self, handler: PortaHandler) -> None:
        traces.note(handler)


class NegotiatedAnswers(PageAnswers):
    """An address that people happen upon: a page for a browser, the bare answer for a program."""

    def write_failure(self, handler: PortaHandler, failure: Failure) -> None:
        if handler.takes_html():
            super().write_failure(handler, failure)
        else:
            Answers.write_failure(self, handler, failure)


FOR_PEOPLE = PageAnswers()
FOR_BROWSERS = NegotiatedAnswers()


def _support_code(handler: PortaHandler) -> str:
    """Return what a person can name to support; every further line of the request has it."""
    handler.about.support_code = log.support_code(handler.request_id)
    return handler.about.support_code


def home_url(handler: PortaHandler) -> str:
    """Return the way on where no other is known: the organization's page, or the first one."""
    organization, base = handler.organization(), handler.application.base_path
    if organization is None:
        return f"{base}/"
    return branding.brand(organization).home_url or f"{base}/{organization.slug}"


def _explanation(handler: PortaHandler) -> dict[str, Any]:
    """Return what a developer has to mend: a fixed sentence, and the values in development."""
    error = handler.error
    if not isinstance(error, OAuthError):
        return {}
    told: dict[str, Any] = {"reason": redaction.bounded(error.message)}
    developing = handler.runtime.settings.environment == "development"
    if developing and isinstance(error, UntrustedRequest):
        told |= {"received": error.received, "registered": error.registered}
    return told
