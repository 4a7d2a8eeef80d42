"""Account linking: who has proved an account says whether they are who was at another provider."""

from __future__ import annotations

from http import HTTPStatus

from handlers.browser_cookies import keepsakes
from handlers.interactions.base import InteractionHandler
from handlers.interactions.home_realm import show_home_realm
from handlers.interactions.linking_page import show_linking
from handlers.interactions.login_page import show_login
from porta.authn import linking
from porta.authn.authenticator import LoginFailed
from porta.protocol.requests.params import Params
from porta.tenants.home_realms import ElsewhereOnly


class IdentityLinkHandler(InteractionHandler):
    """POST /interaction/{uid}/federation/link: `decision` is `link`, or it is no."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form()
        if not self.asks_for("login"):
            self.start_over()
            return
        pending = await linking.find(self.runtime, self.opened)
        if not self.csrf_holds(form):
            await self._refuse(HTTPStatus.FORBIDDEN, "errors.csrf_invalid")
        elif pending is not None:
            await self._decide(pending, form)
        elif form.get("decision") == "link":
            await self._refuse(HTTPStatus.OK, "federation.error_link_over")
        else:
            await linking.drop(self.runtime, self.opened)
            self.start_over()

    async def _decide(self, pending: linking.Pending, form: Params) -> None:
        try:
            signed_in = await linking.decide(
                self.runtime, self.opened, pending, self.origin, keepsakes(self),
                shown=form.get("shown"), links=form.get("decision") == "link",
            )  # fmt: skip
        except ElsewhereOnly as refusal:
            show_home_realm(self, refusal.realm, pending.user.email)
            return
        except LoginFailed as refusal:
            await self._refuse(refusal.status, refusal.message)
            return
        self.finish_sign_in(signed_in)

    async def _refuse(self, status: int, error: str) -> None:
        """Ask again: whoever is asked, and for what is missing."""
        pending = await linking.find(self.runtime, self.opened)
        if pending is None:
            await show_login(self, status=status, error=error)
        else:
            await show_linking(self, pending, status=status, error=error)
