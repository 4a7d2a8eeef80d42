"""Identifier-first sign-in: somebody says who they are, where that decides how they sign in."""

from __future__ import annotations

from handlers.interactions.base import InteractionHandler
from handlers.interactions.endings import shown
from handlers.interactions.home_realm import show_home_realm
from handlers.interactions.login_page import show_login, show_stale
from porta.authn.authenticator import LoginFailed
from porta.authn.federation import broker
from porta.tenants import home_realms
from porta.tenants.home_realms import HomeRealm

_TYPED = frozenset({"email", "password"})
"""A password that a browser fills in is not read."""


class IdentifyHandler(InteractionHandler):
    """POST /interaction/{uid}/identify: `email`, and `other` for another way than is offered."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form(free=_TYPED)
        email = form.get("email") or ""
        if not self.asks_for("login"):
            self.start_over()
            return
        if not self.csrf_holds(form):
            await show_stale(self, email)
            return
        if shown(email) is None:
            await show_login(self, email="", error="login.error_email_missing")
            return
        realm = await home_realms.find(self.runtime, self.tenant, email)
        if realm is not None and realm.required:
            await self._leave(realm, email)
        elif realm is not None and form.get("other") is None:
            show_home_realm(self, realm, email)
        else:
            await show_login(self, email=email)

    async def _leave(self, realm: HomeRealm, email: str) -> None:
        """Send the browser to where this address has to sign in."""
        try:
            url = await broker.begin(
                self.runtime, self.opened, realm.connection.id, self.origin, email
            )
        except LoginFailed as refusal:
            show_home_realm(self, realm, email, refusal=refusal)
        else:
            self.see_other(url)
