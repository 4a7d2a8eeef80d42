"""Second factor: a person shows another proof, or sets one up, before they are signed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from handlers.browser_cookies import keepsakes
from handlers.interactions.base import InteractionHandler
from handlers.interactions.home_realm import show_home_realm
from handlers.pages import finish_page, wait
from porta.authn import passkey_options, second_factor, totp, trusted_devices
from porta.authn.authenticator import LoginFailed
from porta.authn.passkey_options import Purpose
from porta.authn.second_factor import Pending
from porta.pages.qr_codes import svg
from porta.protocol import endpoints
from porta.protocol.requests.params import Params
from porta.protocol.requests.sign_in import trusted_days
from porta.tenants.home_realms import ElsewhereOnly

_TYPED = frozenset({"code", "credential"})


async def show_two_factor(
    handler: InteractionHandler,
    pending: Pending,
    method: str | None,
    *,
    status: int = HTTPStatus.OK,
    error: str | None = None,
    notice: str | None = None,
    retry_after: int | None = None,
    trusts: bool = False,
) -> None:
    """Ask for a second factor: by `method`, where that is one of those that may be shown. `trusts`
    tells whether they have said that they are not to be asked at this device again.
    """
    if retry_after is not None:
        handler.set_header("Retry-After", retry_after)
    if pending.optional and pending.enrolling is None:
        _offer(handler, pending, status, error=error, **wait(handler, retry_after))
        return
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
        **(
            _beside(handler, chosen, notice, trusts=trusts)
            if pending.enrolling is None
            else _to_scan(handler, pending)
        ),
        passkey=await _options(handler, pending) if chosen == "passkey" else None,
    )


def _offer(handler: InteractionHandler, pending: Pending, status: int, **why: Any) -> None:
    """Show what may be set up: nothing of it is begun before they choose, or put it off."""
    account, methods = pending.user.email, pending.methods
    handler.finish_step("two_factor_offer", status=status, account=account, methods=methods, **why)


def _beside(
    handler: InteractionHandler, method: str, notice: str | None, *, trusts: bool
) -> dict[str, Any]:
    """Return what a page says beside its form, where a factor that is there is asked for."""
    sign_in, tenant = handler.opened.interaction.sign_in, handler.tenant
    may = trusted_devices.may_trust(tenant, sign_in, method)
    days = trusted_days(tenant.organization) if may else 0
    return {"notice": notice, "trusted_days": days, "trusts": trusts}


async def _options(handler: InteractionHandler, pending: Pending) -> str:
    runtime, opened, user = handler.runtime, handler.opened, pending.user
    if pending.enrolling is None:
        return await passkey_options.of_second(runtime, opened, user)
    return await passkey_options.of_new(runtime, opened, user, Purpose.ENROL)


def _to_scan(handler: InteractionHandler, pending: Pending) -> dict[str, Any]:
    """Return what an authenticator app reads, where one is being set up."""
    enrolling, told = pending.enrolling, {"optional": pending.optional}
    secret = totp.secret_of(enrolling, handler.runtime.settings) if enrolling is not None else None
    if secret is None:
        return told
    organization = handler.tenant.organization
    issuer = (organization.branding_company_name or organization.name).strip()
    uri = totp.to_uri(secret, pending.user.email, issuer)
    return {**told, "secret": secret, "uri": uri, "qr": svg(uri)}


async def _take(
    handler: InteractionHandler, act: Callable[[Pending, str, Params], Awaitable[None]]
) -> None:
    """Read a form about the second factor that somebody is asked for, and do what it is for; show
    the page again with whatever refuses it.
    """
    form = handler.form(free=_TYPED)
    pending = await second_factor.find(handler.runtime, handler.opened)
    if pending is None:
        handler.start_over()
        return
    method = form.get("method") or ""
    if not handler.csrf_holds(form):
        error = "errors.csrf_invalid"
        await show_two_factor(handler, pending, method, status=HTTPStatus.FORBIDDEN, error=error)
        return
    try:
        await act(pending, method, form)
    except LoginFailed as refusal:
        await show_two_factor(
            handler,
            pending,
            method,
            status=refusal.status,
            error=refusal.message,
            retry_after=refusal.retry_after,
            trusts=trusted_devices.FIELD in form,
        )
    except ElsewhereOnly as refusal:  # since they showed the first one
        show_home_realm(handler, refusal.realm, pending.user.email)


class TwoFactorHandler(InteractionHandler):
    """POST /interaction/{uid}/two-factor: `method`, and the `code` of it."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        await _take(self, self._show_proof)

    async def _show_proof(self, pending: Pending, method: str, form: Params) -> None:
        signed_in, codes = await second_factor.submit(
            self.runtime, self.opened, pending, method, form, self.origin, keepsakes(self)
        )
        if not codes:
            self.finish_sign_in(signed_in)
            return
        # Nobody sees them again: they come before whatever is asked next.
        if signed_in is not None:
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
        await _take(self, self._begin)

    async def _begin(self, pending: Pending, method: str, form: Params) -> None:
        await second_factor.choose(self.runtime, self.opened, pending, method, self.origin)
        if pending.optional or pending.enrolling is not None:
            self.start_over()
        else:
            trusts = trusted_devices.FIELD in form
            notice = "two_factor.sent_again"
            await show_two_factor(self, pending, method, notice=notice, trusts=trusts)


class PutOffHandler(InteractionHandler):
    """POST /interaction/{uid}/two-factor/later: go on without the second factor that is offered."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        await _take(self, self._go_on)

    async def _go_on(self, pending: Pending, method: str, form: Params) -> None:
        kept = keepsakes(self)
        self.finish_sign_in(
            await second_factor.put_off(self.runtime, self.opened, pending, self.origin, kept)
        )
