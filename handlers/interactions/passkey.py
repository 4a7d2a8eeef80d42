"""Passkey: a sign-in by whichever passkey the browser offers, none of which is named before."""

from __future__ import annotations

from http import HTTPStatus

from handlers.browser_cookies import known_value
from handlers.interactions.base import InteractionHandler
from handlers.interactions.login import show_login
from porta.authn import login
from porta.authn.authenticator import LoginFailed

_TYPED = frozenset({"credential"})


class PasskeyHandler(InteractionHandler):
    """POST /interaction/{uid}/passkey: `credential`, what the browser answered, as JSON."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form(free=_TYPED)
        if not self.csrf_holds(form):
            await show_login(self, status=HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
            return
        try:
            signed_in = await login.submit(
                self.runtime, self.opened, "passkey", form, self.origin, known_value(self)
            )
        except LoginFailed as refusal:
            await show_login(
                self, status=refusal.status, error=refusal.message, retry_after=refusal.retry_after
            )
            return
        self.finish_sign_in(signed_in)
