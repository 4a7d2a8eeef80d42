"""Second factor: a person shows another proof before they are signed in (NIST SP 800-63B-4)."""

from __future__ import annotations

from http import HTTPStatus

from handlers.browser_cookies import known_value
from handlers.interactions.base import InteractionHandler
from handlers.pages import wait
from porta.authn import login
from porta.authn.authenticator import LoginFailed
from porta.authn.login import Pending

_TYPED = frozenset({"code"})


def show_two_factor(
    handler: InteractionHandler,
    pending: Pending,
    method: str | None,
    *,
    status: int = HTTPStatus.OK,
    error: str | None = None,
    notice: str | None = None,
    retry_after: int | None = None,
) -> None:
    """Ask for a second factor: by `method`, where that is one of those that may be shown."""
    if retry_after is not None:
        handler.set_header("Retry-After", retry_after)
    chosen = method if method in pending.methods else pending.methods[0]
    handler.finish_step(
        "two_factor",
        status=status,
        method=chosen,
        others=tuple(each for each in pending.methods if each != chosen),
        account=pending.user.email,
        resends=login.begins(chosen),
        error=error,
        notice=notice,
        **wait(handler, retry_after),
    )


class TwoFactorHandler(InteractionHandler):
    """POST /interaction/{uid}/two-factor: `method`, and the `code` of it."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form(free=_TYPED)
        pending = await login.find_pending(self.runtime, self.opened)
        if pending is None:
            self.start_over()
            return
        method = form.get("method")
        if not self.csrf_holds(form):
            error = "errors.csrf_invalid"
            show_two_factor(self, pending, method, status=HTTPStatus.FORBIDDEN, error=error)
            return
        try:
            signed_in = await login.submit_second(
                self.runtime, self.opened, pending, method or "", form, self.origin,
                known_value(self),
            )  # fmt: skip
        except LoginFailed as refusal:
            show_two_factor(
                self,
                pending,
                method,
                status=refusal.status,
                error=refusal.message,
                retry_after=refusal.retry_after,
            )
            return
        self.finish_sign_in(signed_in)


class ResendHandler(InteractionHandler):
    """POST /interaction/{uid}/two-factor/resend: another code of `method` is mailed."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form()
        pending = await login.find_pending(self.runtime, self.opened)
        if pending is None:
            self.start_over()
            return
        method = form.get("method") or ""
        if not self.csrf_holds(form):
            error = "errors.csrf_invalid"
            show_two_factor(self, pending, method, status=HTTPStatus.FORBIDDEN, error=error)
            return
        try:
            await login.begin_again(self.runtime, self.opened, pending, method, self.origin)
        except LoginFailed as refusal:
            show_two_factor(
                self,
                pending,
                method,
                status=refusal.status,
                error=refusal.message,
                retry_after=refusal.retry_after,
            )
            return
        show_two_factor(self, pending, method, notice="two_factor.sent_again")
