"""Second factor: a person shows another proof, or sets one up, before they are signed in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers.browser_cookies import known_value
from handlers.interactions.base import InteractionHandler
from handlers.pages import finish_page, wait
from porta.authn import second_factor, totp
from porta.authn.authenticator import LoginFailed
from porta.authn.second_factor import Pending
from porta.pages.qr_codes import svg
from porta.protocol import endpoints

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
    if pending.enrolling is not None:
        chosen = pending.enrolling.method
    handler.finish_step(
        "two_factor" if pending.enrolling is None else "two_factor_setup",
        status=status,
        method=chosen,
        others=tuple(each for each in pending.methods if each != chosen),
        account=pending.user.email,
        resends=second_factor.begins(chosen),
        error=error,
        **wait(handler, retry_after),
        **({"notice": notice} if pending.enrolling is None else _to_scan(handler, pending)),
    )


def _to_scan(handler: InteractionHandler, pending: Pending) -> dict[str, Any]:
    """Return what an authenticator app reads, where one is being set up."""
    enrolling = pending.enrolling
    secret = totp.secret_of(enrolling, handler.runtime.settings) if enrolling is not None else None
    if secret is None:
        return {}
    organization = handler.tenant.organization
    issuer = (organization.branding_company_name or organization.name).strip()
    uri = totp.to_uri(secret, pending.user.email, issuer)
    return {"secret": secret, "uri": uri, "qr": svg(uri)}


class TwoFactorHandler(InteractionHandler):
    """POST /interaction/{uid}/two-factor: `method`, and the `code` of it."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form(free=_TYPED)
        pending = await second_factor.find(self.runtime, self.opened)
        if pending is None:
            self.start_over()
            return
        method = form.get("method") or ""
        if not self.csrf_holds(form):
            error = "errors.csrf_invalid"
            show_two_factor(self, pending, method, status=HTTPStatus.FORBIDDEN, error=error)
            return
        try:
            signed_in, codes = await second_factor.submit(
                self.runtime, self.opened, pending, method, form, self.origin, known_value(self)
            )
        except LoginFailed as refusal:
            _show_refusal(self, pending, method, refusal)
            return
        if signed_in is None or not codes:
            self.finish_sign_in(signed_in)
            return
        self.keep_sign_in(signed_in)
        issuer, resume = self.tenant.issuer, endpoints.AUTHORIZATION_RESUME
        finish_page(
            self,
            "recovery_codes",
            codes=codes,
            resume_url=endpoints.absolute(issuer, resume, uid=self.opened.uid),
        )


class ChooseHandler(InteractionHandler):
    """POST /interaction/{uid}/two-factor/resend: begin with `method`, or have another code mailed.

    The path is that of Porta 1.x.
    """

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form()
        pending = await second_factor.find(self.runtime, self.opened)
        if pending is None:
            self.start_over()
            return
        method = form.get("method") or ""
        if not self.csrf_holds(form):
            error = "errors.csrf_invalid"
            show_two_factor(self, pending, method, status=HTTPStatus.FORBIDDEN, error=error)
            return
        try:
            await second_factor.choose(self.runtime, self.opened, pending, method, self.origin)
        except LoginFailed as refusal:
            _show_refusal(self, pending, method, refusal)
            return
        if pending.enrolling is not None:
            self.start_over()
        else:
            show_two_factor(self, pending, method, notice="two_factor.sent_again")


def _show_refusal(
    handler: InteractionHandler, pending: Pending, method: str, refusal: LoginFailed
) -> None:
    show_two_factor(
        handler,
        pending,
        method,
        status=refusal.status,
        error=refusal.message,
        retry_after=refusal.retry_after,
    )
