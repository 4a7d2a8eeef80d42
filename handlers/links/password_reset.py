"""Forgotten password: a link is asked for, and followed (requirement G.6)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers import browser_cookies
from handlers.interactions.endings import shown
from handlers.links.base import LinkHandler, LoginMethodDisabled
from handlers.pages import finish_page, home_url
from porta.browser import request_copies
from porta.browser.open_interactions import OpenInteraction
from porta.limits.rate_limits import Throttled
from porta.services import password_reset, user_passwords
from porta.services.password_reset import LinkOver, Refused
from porta.tenants.home_realms import ElsewhereOnly

_KIND = "password_reset"
_TYPED = frozenset({"email", "password", "confirmPassword"})


async def find_password_sign_in(handler: LinkHandler) -> OpenInteraction | None:
    """Return the interaction that a request names, if it is open here. Raises LoginMethodDisabled
    where nobody signs in with a password, at its client or else anywhere at the organization: a
    link is followed on any device, and after its sign-in is over.
    """
    opened = await handler.opened_here()
    methods = opened.login_methods if opened is not None else None
    if not await password_reset.is_possible(handler.runtime, handler.tenant, methods):
        raise LoginMethodDisabled("nobody signs in with a password here")
    handler.wears = opened.client if opened is not None else None
    return opened


class ForgotPasswordHandler(LinkHandler):
    """GET and POST /{slug}/auth/forgot-password: asks for an address, and mails a link there."""

    opened: OpenInteraction | None

    async def prepare(self) -> None:
        await super().prepare()
        if self.has_tenant():
            self.opened = await find_password_sign_in(self)

    async def get(self) -> None:
        self._show()

    async def head(self) -> None:
        await self.get()

    async def post(self) -> None:
        form = self.form(free=_TYPED)
        email = form.get("email") or ""
        if not self.csrf_holds(form):
            self._show(HTTPStatus.FORBIDDEN, email=email, error="errors.csrf_invalid")
            return
        try:
            await password_reset.ask(
                self.runtime, self.tenant, email, self.origin,
                known_value=browser_cookies.known_value(self),
                interaction=request_copies.value_of(self.opened.uid) if self.opened else None,
                look=self.opened.look if self.opened else None,
            )  # fmt: skip
        except ElsewhereOnly as refusal:
            await self.finish_elsewhere(refusal.realm, email)
            return
        except Throttled as refusal:
            self._show(refusal.status, email=email, **self.often(refusal))
            return
        self._show(email=email, sent=True)

    def _show(self, status: int = HTTPStatus.OK, *, email: str = "", **values: Any) -> None:
        finish_page(
            self, "forgot_password", status=status, csrf=self.csrf(), email=shown(email),
            back_url=self.interaction_url(self.opened) or home_url(self), **values,
        )  # fmt: skip


class ResetPasswordHandler(LinkHandler):
    """GET and POST /{slug}/auth/reset-password/{token}: another password, by a mailed link."""

    opened: OpenInteraction | None

    async def prepare(self) -> None:
        await super().prepare()
        if self.has_tenant():
            self.opened = await find_password_sign_in(self)

    async def get(self) -> None:
        await self._show()

    async def head(self) -> None:
        await self.get()

    async def post(self) -> None:
        form = self.form(free=_TYPED)
        if not self.csrf_holds(form):
            await self._show(HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
            return
        typed = form.get("password") or "", form.get("confirmPassword") or ""
        try:
            known = await password_reset.reset(
                self.runtime, self.tenant, self.token(), *typed, self.origin,
                browser_cookies.known_value(self),
            )  # fmt: skip
        except Refused as refusal:
            await self._show(problems=refusal.reasons)
        except Throttled as refusal:
            await self._show(refusal.status, **self.often(refusal))
        except LinkOver:
            await self._finish_over()
        except ElsewhereOnly as refusal:
            await self.finish_elsewhere(refusal.realm, "")
        else:
            browser_cookies.keep_known(self, known)
            self._finish_done()

    async def _show(self, status: int = HTTPStatus.OK, **values: Any) -> None:
        try:
            user = await password_reset.find(self.runtime, self.tenant, self.token())
        except LinkOver:
            await self._finish_over()
            return
        except ElsewhereOnly as refusal:
            await self.finish_elsewhere(refusal.realm, "")
            return
        finish_page(
            self, "reset_password", status=status, csrf=self.csrf(), account=user.email,
            minimum=user_passwords.minimum_of(self.tenant.organization), **values,
        )  # fmt: skip

    async def _finish_over(self) -> None:
        again_url = self.path_of("forgot-password")
        if self.opened is not None:
            again_url += f"?interaction={self.opened.uid}"
        await self.finish_over(_KIND, again_url=again_url)

    def _finish_done(self) -> None:
        finish_page(
            self, "reset_success",
            resume_url=self.interaction_url(self.opened), home_url=home_url(self),
        )  # fmt: skip
