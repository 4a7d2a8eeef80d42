"""Passkey: a sign-in by whichever passkey the browser offers, none of which is named before."""

from __future__ import annotations

from contextlib import suppress

from handlers.browser_cookies import keepsakes
from handlers.interactions.base import InteractionHandler
from handlers.interactions.home_realm import show_home_realm
from handlers.interactions.login import finish_with_passkeys
from handlers.interactions.login_page import show_refusal, show_stale
from porta.authn import login, passkey_creation
from porta.authn.authenticator import LoginFailed
from porta.authn.passkey import FIELD
from porta.authn.passkey_options import unknown
from porta.browser.account_visits import VisitOver
from porta.tenants.home_realms import ElsewhereOnly

_TYPED = frozenset({FIELD})


class PasskeyHandler(InteractionHandler):
    """POST /interaction/{uid}/passkey: `credential`, what the browser answered, as JSON."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form(free=_TYPED)
        if not self.csrf_holds(form):
            await show_stale(self)
            return
        try:
            signed_in = await login.submit(
                self.runtime, self.opened, "passkey", form, self.origin, keepsakes(self)
            )
        except ElsewhereOnly as refusal:
            show_home_realm(self, refusal.realm, "")
            return
        except LoginFailed as refusal:
            removed = refusal.reason == "removed"
            signals = unknown(self.runtime, form.get(FIELD) or "") if removed else None
            await show_refusal(self, refusal, signals=signals)
            return
        await finish_with_passkeys(self, signed_in, form)


class CreatedHandler(InteractionHandler):
    """POST /interaction/{uid}/passkey/created: a passkey that a browser made after a sign-in."""

    async def get(self) -> None:
        """Answer a reload: the sign-in goes on."""
        self.resume()

    async def post(self) -> None:
        form = self.form(free=_TYPED)
        visit = await passkey_creation.find_person(self.runtime, self.opened, self.browser())
        if visit is not None and self.csrf_holds(form):
            # Nobody asked for it, and nobody is told.
            with suppress(LoginFailed, VisitOver):
                await passkey_creation.keep(
                    self.runtime, self.opened, visit, form.get(FIELD) or "", self.origin
                )
        self.resume()
