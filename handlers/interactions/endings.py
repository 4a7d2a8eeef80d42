"""Ends of an interaction (expired, finished, elsewhere), each with a way on (K5)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from handlers.pages import way_to
from handlers.tenant import TenantHandler
from porta.browser import interactions, request_copies, sessions
from porta.browser.interactions import InteractionExpired
from porta.browser.request_copies import RequestCopy
from porta.errors import Forbidden, NotFound, PortaError
from porta.protocol import endpoints
from porta.protocol.clients.client_links import find_home
from porta.protocol.errors import InvalidRequest
from porta.tenants import resolve
from porta.text.email_addresses import trim
from storage.errors import Unreachable
from storage.models.artifact import Home, home_of
from storage.models.clients import Client
from storage.models.interactions import Interaction

_EMAIL_LENGTH = 320


class CookiesRequired(PortaError):
    """A browser that brought no cookie at all."""

    status = 400
    code = "cookies_required"


class AlreadyFinished(PortaError):
    """An interaction that led to a session, which lives, and to a client without a page."""

    status = 400
    code = "already_finished"


async def end(handler: TenantHandler, uid: str, error: PortaError) -> None:
    """Answer where the interaction cannot be gone on with: on to the client, or with a page.

    Raises the PortaError that the page tells.
    """
    copy, client = await recognize(handler, uid)
    interaction = await interactions.find(handler.runtime, uid)
    if not handler.has_tenant():
        raise InteractionExpired(error.message) from error
    _meet(handler, interaction)
    if interaction is not None and handler.browser().secret is None:
        raise CookiesRequired("the browser sent no cookie") from error
    if interaction is None and await _is_finished(handler, uid):
        home = find_home(client, copy.redirect_uri) if client and copy else None
        if home is None:
            raise AlreadyFinished("the sign-in is finished") from error
        handler.see_other(home)
        return
    raise InteractionExpired(error.message) from error


def _meet(handler: TenantHandler, interaction: Interaction | None) -> None:
    """Have the trace of the page tell what went before, of an interaction of its organization."""
    if interaction is not None and interaction.organization_id == handler.tenant.id:
        handler.met = interaction


async def _is_finished(handler: TenantHandler, uid: str) -> bool:
    """Whether this very browser came to its end, and is signed in."""
    finished = await interactions.find_finished(handler.runtime, uid)
    _meet(handler, finished)
    if finished is None or finished.organization_id != handler.tenant.id:
        return False
    if not interactions.is_of(finished, handler.browser()):
        return False
    return await sessions.find(handler.runtime, handler.tenant, handler.browser()) is not None


async def recognize(handler: TenantHandler, uid: str) -> tuple[RequestCopy | None, Client | None]:
    """Find out whose interaction it was, and which application's, from the URL alone."""
    copy, client = request_copies.find(handler.runtime, uid), None
    if copy is None or (handler.has_tenant() and handler.tenant.slug != copy.slug):
        return None, None
    with suppress(NotFound, Forbidden, Unreachable):
        handler.tenant = await resolve.resolve(handler.runtime, copy.slug)
        client = await resolve.find_client(handler.runtime, handler.tenant, copy.client_id)
    if client is not None:
        handler.ways = _ways_on(handler, uid, copy, client)
    return copy, client


def find_lost(handler: TenantHandler, uid: str) -> RequestCopy | None:
    """Return the copy of an interaction that lies in a Redis that is away, where its own browser
    can begin the request anew, which is then kept in PostgreSQL (faults F1).
    """
    away = handler.runtime.storage.redis_trouble is not None
    if not away or home_of(request_copies.value_of(uid)) is not Home.REDIS:
        return None
    copy = request_copies.find(handler.runtime, uid)
    if copy is None or not handler.has_tenant() or handler.tenant.slug != copy.slug:
        return None
    due = copy.is_due(handler.runtime.clock())
    return copy if due and handler.browser().secret is not None else None


def _ways_on(handler: TenantHandler, uid: str, copy: RequestCopy, client: Client) -> dict[str, Any]:
    resume = endpoints.AUTHORIZATION_RESUME.format(uid=uid)
    again = f"{handler.application.base_path}/{handler.tenant.slug}{resume}"
    return {
        **way_to(client, copy.redirect_uri),
        "restart_url": again if copy.is_due(handler.runtime.clock()) else None,
        "email": typed(handler),
    }


def typed(handler: TenantHandler) -> str | None:
    """Return the address that was typed into the form, so that nobody types it twice."""
    if handler.request.method != "POST":
        return None
    with suppress(InvalidRequest):
        return shown(handler.form(free=frozenset({"email", "password"})).get("email") or "")
    return None


def shown(email: str) -> str | None:
    """Return what was typed, as a field can hold it."""
    return "".join(filter(str.isprintable, trim(email)))[:_EMAIL_LENGTH] or None
