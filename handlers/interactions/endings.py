"""Ends of an interaction (expired, finished, elsewhere), each with a way on (K5)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TypeGuard

from handlers.pages import TenantPageHandler, way_to
from porta.browser import interactions, request_copies, sessions
from porta.browser.interactions import InteractionExpired
from porta.browser.request_copies import Replay
from porta.errors import Forbidden, NotFound, PortaError
from porta.protocol import endpoints
from porta.protocol.clients.client_links import find_home
from porta.protocol.errors import InvalidRequest
from porta.tenants import resolve
from porta.text.email_addresses import trim
from storage.errors import Unreachable
from storage.models.artifacts import Home, Interaction, home_of
from storage.models.clients import Client

_EMAIL_LENGTH = 320


class CookiesRequired(PortaError):
    """A browser that brought no cookie at all."""

    status = 400
    code = "cookies_required"


class AlreadyFinished(PortaError):
    """An interaction that led to a session, which lives, and to a client without a page."""

    status = 400
    code = "already_finished"


class EndingHandler(TenantPageHandler):
    """A page of an interaction, which may be over when it is asked for."""

    def handle(self) -> str:
        """Return what the URL names the interaction by."""
        raise NotImplementedError

    async def end(self, error: PortaError) -> None:
        """Answer where the interaction cannot be gone on with: on to the client, or with a page.

        Raises the PortaError that the page tells.
        """
        replay, client = await self.recognize()
        interaction = await interactions.find(self.runtime, self.handle())
        if not self.has_tenant():
            raise InteractionExpired(error.message) from error
        if interaction is not None and self.browser().secret is None:
            raise CookiesRequired("the browser sent no cookie") from error
        if interaction is None and await self._is_finished():
            home = find_home(client, replay.redirect_uri) if client and replay else None
            if home is None:
                raise AlreadyFinished("the sign-in is finished") from error
            self.see_other(home)
            return
        raise InteractionExpired(error.message) from error

    async def _is_finished(self) -> bool:
        """Whether this very browser came to its end, and is signed in."""
        finished = await interactions.find_finished(self.runtime, self.handle())
        if finished is None or not self._is_own(finished):
            return False
        return await sessions.find(self.runtime, self.tenant, self.browser()) is not None

    def _is_own(self, finished: Interaction) -> bool:
        mine = finished.organization_id == self.tenant.id
        return mine and interactions.is_of(finished, self.browser())

    async def recognize(self) -> tuple[Replay | None, Client | None]:
        """Find out whose interaction it was, and which application's, from the URL alone."""
        replay, client = self.copy(), None
        if replay is None or (self.has_tenant() and self.tenant.slug != replay.slug):
            return None, None
        with suppress(NotFound, Forbidden, Unreachable):
            self.tenant = await resolve.resolve(self.runtime, replay.slug)
            client = await resolve.find_client(self.runtime, self.tenant, replay.client_id)
        if client is not None:
            self._ways = self._lead_on(replay, client)
        return replay, client

    def copy(self) -> Replay | None:
        """Return the copy of the request that stands in the URL."""
        return request_copies.find(self.runtime, self.handle())

    def is_lost(self, replay: Replay | None) -> TypeGuard[Replay]:
        """Whether the interaction lies in a Redis that is away, and its own browser can begin the
        request anew, which is then kept in PostgreSQL (faults F1).
        """
        storage, value = self.runtime.storage, request_copies.value_of(self.handle())
        away = storage.redis_trouble is not None and home_of(value) is Home.REDIS
        known = self.has_tenant() and self.browser().secret is not None
        return away and known and replay is not None and replay.is_due(self.runtime.clock())

    def _lead_on(self, replay: Replay, client: Client) -> dict[str, Any]:
        resume = endpoints.AUTHORIZATION_RESUME.format(uid=self.handle())
        again = f"{self.application.base_path}/{self.tenant.slug}{resume}"
        return {
            **way_to(client, replay.redirect_uri),
            "restart_url": again if replay.is_due(self.runtime.clock()) else None,
            "email": self.typed(),
        }

    def typed(self) -> str | None:
        """Return the address that was typed into the form, so that nobody types it twice."""
        if self.request.method != "POST":
            return None
        with suppress(InvalidRequest):
            typed = self.form(free=frozenset({"email", "password"})).get("email") or ""
            return shown(typed)
        return None


def shown(email: str) -> str | None:
    """Return what was typed, as a field can hold it."""
    return "".join(filter(str.isprintable, trim(email)))[:_EMAIL_LENGTH] or None
