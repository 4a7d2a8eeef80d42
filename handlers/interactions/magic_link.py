"""Magic link, asked for at an interaction; the code of one that was opened elsewhere."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers.browser_cookies import keepsakes
from handlers.interactions.base import InteractionHandler
from handlers.interactions.endings import shown
from handlers.interactions.home_realm import show_home_realm
from handlers.interactions.login_page import show_login, show_refusal, show_stale
from handlers.pages import wait
from porta.authn import login, magic_link_mail
from porta.authn.authenticator import LoginFailed
from porta.browser.open_interactions import OpenInteraction
from porta.limits.rate_limits import Throttled
from porta.protocol.requests.params import Params
from porta.tenants.home_realms import ElsewhereOnly

_TYPED = frozenset({"email", "password", "code"})
_METHOD = "magic_link"


def _show_sent(
    handler: InteractionHandler, email: str, *, status: int = HTTPStatus.OK, **values: Any
) -> None:
    handler.finish_step("magic_link_sent", status=status, email=shown(email), **values)


class MagicLinkRequestHandler(InteractionHandler):
    """POST /interaction/{uid}/magic-link: mails a link to the `email`, and says so to everybody."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        if self.asks_for("login") and login.takes(self.runtime, self.opened, _METHOD):
            _show_sent(self, "")
        else:
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
            await show_login(self, error="login.error_email_missing")
            return
        await self._ask(email, remembers="remember" in form)

    async def _ask(self, email: str, *, remembers: bool) -> None:
        try:
            await magic_link_mail.ask(
                self.runtime, self.opened, email, self.origin, keepsakes(self).known,
                remembers=remembers,
            )  # fmt: skip
        except Throttled as refusal:
            error, retry_after = "errors.rate_limit_exceeded", refusal.retry_after
        except ElsewhereOnly as refusal:
            show_home_realm(self, refusal.realm, email)
            return
        except LoginFailed as failed:
            await show_refusal(self, failed, email)
            return
        else:
            _show_sent(self, email)
            return
        status = HTTPStatus.TOO_MANY_REQUESTS
        await show_login(
            self, status=status, email=email, error=error, retry_after=retry_after, mails_on=False
        )


class MagicLinkCodeHandler(InteractionHandler):
    """POST /interaction/{uid}/magic-link/code: what another browser showed for the link."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.see_other(f"{self.application.base_path}/interaction/{self.uid()}/magic-link")

    async def post(self) -> None:
        form = self.form(free=_TYPED)
        email = form.get("email") or ""
        if not self.asks_for("login"):
            self.start_over()
            return
        if not self.csrf_holds(form):
            _show_sent(self, email, status=HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
            return
        try:
            signed_in = await login.submit(
                self.runtime,
                self.opened,
                _METHOD,
                _only_code(form, self.opened),
                self.origin,
                keepsakes(self),
            )
        except ElsewhereOnly as refusal:
            show_home_realm(self, refusal.realm, email)
            return
        except LoginFailed as refusal:
            if refusal.retry_after is not None:
                self.set_header("Retry-After", refusal.retry_after)
            _show_sent(
                self, email, status=refusal.status, error=refusal.message,
                **wait(self, refusal.retry_after),
            )  # fmt: skip
            return
        self.finish_sign_in(signed_in)


def _only_code(form: Params, opened: OpenInteraction) -> Params:
    """Return the code alone: whose link it is of says who it is, and no address that is typed; and
    whether whoever asked for the link asked to be remembered.
    """
    code = {"code": (form.get("code") or "",)}
    return Params(code | ({"remember": ("yes",)} if opened.interaction.remembers else {}))
