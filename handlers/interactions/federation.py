"""Federated sign-in: to another identity provider, and back from there."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from handlers.browser_cookies import keepsakes
from handlers.interactions.base import InteractionHandler
from handlers.interactions.home_realm import show_home_realm
from handlers.interactions.login_page import show_refusal, show_stale
from handlers.tenant import TenantHandler
from porta.authn.authenticator import LoginFailed
from porta.authn.federation import broker
from porta.browser.interactions import InteractionExpired
from porta.protocol import endpoints
from porta.protocol.requests.params import Params
from porta.protocol.requests.response_modes import MAX_LOCATION
from porta.tenants.home_realms import ElsewhereOnly
from storage.errors import AlreadyConsumed
from storage.models.interactions import UpstreamRequest

_READ = ("code", "state", "iss", "error", "user")
"""What comes back, and what is passed on of a form."""


class FederationHandler(InteractionHandler):
    """POST /interaction/{uid}/federation: `connection` says where to."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form(free=frozenset({"email"}))
        if not self.asks_for("login"):
            self.start_over()
            return
        if not self.csrf_holds(form):
            await show_stale(self)
            return
        connection = form.get("connection") or ""
        try:
            url = await broker.begin(
                self.runtime, self.opened, connection, self.origin, form.get("email")
            )
        except LoginFailed as refusal:
            await show_refusal(self, refusal, form.get("email"))
            return
        self.see_other(url)


class FederationCallbackHandler(InteractionHandler):
    """GET, or POST, /{slug}/federation/{connection}/callback (RFC 6749 §4.1.2)."""

    begun: UpstreamRequest
    was_used = False
    _uid = ""

    async def prepare(self) -> None:
        await TenantHandler.prepare(self)
        if self.request.method == "POST" or self.is_begun:
            return
        state = self.query().get("state")
        found = await broker.find_request(self.runtime, self.tenant, self._connection(), state)
        if found is None:
            raise InteractionExpired("no request of ours has this state")
        self.begun, self.was_used = found
        if self.begun.session_uid is not None:
            self._lead_to_account()
            return
        if self.begun.setup is not None:
            path = endpoints.SETUP_CALLBACK.format(token=self.begun.setup)
            self.see_other(
                f"{self.application.base_path}/{self.tenant.slug}{path}?{self.request.query}"
            )
            return
        self._uid = self.begun.uid
        await super().prepare()

    def _lead_to_account(self) -> None:
        """Hand a response on that somebody asked for at their own account: it counts in the session
        that asked alone, which is looked for there.
        """
        path = f"/{self.tenant.slug}{endpoints.account_page('identities')}"
        query = self.request.query
        self.see_other(
            f"{self.application.base_path}{path}/{self.begun.connection_id}/callback?{query}"
        )

    def uid(self) -> str:
        """Return the interaction that the person was sent from."""
        return self._uid

    def retry_url(self) -> str | None:
        return super().retry_url() if self._uid else None

    def menu_query(self) -> str | None:
        """The address holds a code that is used up: the page of the interaction is the way on."""
        return ""

    async def post(self) -> None:
        """Turn a form that another site posted, which brings no cookies, into a GET (Apple)."""
        form = self.form()
        told = {name: value for name in _READ if (value := form.get(name)) is not None}
        if len(self._with(told)) > MAX_LOCATION:
            told.pop("user", None)  # a name: who it is does not depend on it
        if len(self._with(told)) > MAX_LOCATION:
            raise InteractionExpired("what was posted is longer than any response")
        self.see_other(self._with(told))

    async def get(self) -> None:
        if self.was_used or not self.asks_for("login"):
            self.start_over()
            return
        try:
            await self._complete(self.query())
        except AlreadyConsumed:
            self.start_over()
        except ElsewhereOnly as refusal:
            show_home_realm(self, refusal.realm, "")
        except LoginFailed as refusal:
            await show_refusal(self, refusal, "")

    async def _complete(self, response: Params) -> None:
        signed_in = await broker.complete(
            self.runtime, self.opened, self.begun, response, self.origin, keepsakes(self)
        )
        self.finish_sign_in(signed_in)

    def _connection(self) -> str:
        return self.request.path.split("/")[3]

    def _with(self, told: Mapping[str, str]) -> str:
        return f"{self.application.base_path}{self.request.path}?{urlencode(told)}"
