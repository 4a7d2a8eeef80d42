"""Sign-in, factor by factor, and the way out of an interaction."""

from __future__ import annotations

from handlers.browser_cookies import keepsakes
from handlers.interactions import accounts
from handlers.interactions.base import InteractionHandler
from handlers.interactions.consent import show_consent
from handlers.interactions.gesture import show_gesture
from handlers.interactions.home_realm import show_home_realm
from handlers.interactions.linking_page import show_linking
from handlers.interactions.login_page import (
    find_account,
    registration_url,
    show_login,
    show_refusal,
    show_stale,
)
from handlers.interactions.two_factor import show_two_factor
from handlers.pages import finish_page
from porta.authn import linking, login, passkey_options, second_factor
from porta.authn.authenticator import LoginFailed
from porta.authn.passkey_options import Purpose
from porta.authn.progress import SignedIn
from porta.browser import open_interactions
from porta.protocol import endpoints
from porta.protocol.requests.params import Params
from porta.provider import authorization
from porta.tenants import home_realms
from porta.tenants.home_realms import ElsewhereOnly

_TYPED = frozenset({"email", "password"})
"""A password is any text at all; what is no address is answered like one that nobody has."""


async def finish_with_passkeys(
    handler: InteractionHandler, signed_in: SignedIn | None, form: Params, *, creates: bool = False
) -> None:
    """Send the browser on; one that can is told of the person's passkeys on the way, and may make
    one where it `creates` (WebAuthn Level 3), and no trusted device spared them a factor.
    """
    runtime, opened = handler.runtime, handler.opened
    able = form.get("passkeys") is not None and login.takes(runtime, opened, "passkey")
    if signed_in is None or not able:
        handler.finish_sign_in(signed_in)
        return
    creates = creates and not signed_in.spared
    user = signed_in.user
    signals = await passkey_options.signals(runtime, user)
    if signals is None and not creates:
        handler.finish_sign_in(signed_in)
        return
    handler.keep_sign_in(signed_in)
    finish_page(
        handler,
        "passkeys",
        uid=opened.uid,
        csrf=opened.interaction.csrf,
        signals=signals,
        passkey=await passkey_options.of_new(runtime, opened, user, Purpose.CREATE)
        if creates
        else None,
        resume_url=endpoints.absolute(
            handler.tenant.issuer, endpoints.AUTHORIZATION_RESUME, uid=opened.uid
        ),
    )


class InteractionStartHandler(InteractionHandler):
    """GET /interaction/{uid}: whatever this person is to be asked next."""

    async def get(self) -> None:
        if await authorization.has_moved_on(
            self.runtime, self.tenant, self.opened.interaction, self.browser()
        ):
            self.resume()
            return
        if self.asks_for("consent"):
            await show_consent(self)
        elif self.asks_for("gesture"):
            await show_gesture(self)
        elif (pending := await second_factor.find(self.runtime, self.opened)) is not None:
            await show_two_factor(self, pending, self.query().get("method"))
        elif (proved := await linking.find(self.runtime, self.opened)) is not None:
            await show_linking(self, proved)
        elif self.opened.registers and "sign_in" not in self.query():
            self.see_other(f"{registration_url(self)}?interaction={self.opened.uid}")
        else:
            await self._show_login()

    async def _show_login(self) -> None:
        """Show the login page, unless whoever is signed in has but one factor to show."""
        hint = self.opened.interaction.parameters.get("login_hint")
        try:
            if await second_factor.step_up(self.runtime, self.opened, self.origin):
                self.start_over()
                return
        except LoginFailed as refusal:
            await show_refusal(self, refusal, hint)
            return
        chosen = self.query().get("account")
        if chosen is not None:
            await self._lead(accounts.email_of(self, chosen) or hint)
        elif "another" in self.query():
            await show_login(self, email="")
        elif hint is not None or not await accounts.show(self):
            await self._lead(hint)

    async def _lead(self, address: str | None) -> None:
        """Show where an address is at home, unless whoever has it comes from there; else the login
        page.
        """
        realm, known = None, address or await find_account(self)
        if known is not None and self.opened.interaction.sign_in.linking is None:
            realm = await home_realms.find(self.runtime, self.tenant, known)
        if realm is None:
            await show_login(self, email=address)
        else:
            show_home_realm(self, realm, known or "")


class LoginHandler(InteractionHandler):
    """POST /interaction/{uid}/login."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form(free=_TYPED)
        email = form.get("email") or ""
        if not self.csrf_holds(form):
            await show_stale(self, email)
            return
        try:
            signed_in = await login.submit(
                self.runtime, self.opened, "password", form, self.origin, keepsakes(self)
            )
        except ElsewhereOnly as refusal:
            show_home_realm(self, refusal.realm, email)
            return
        except LoginFailed as refusal:
            await show_refusal(self, refusal, email)
            return
        await finish_with_passkeys(self, signed_in, form, creates=form.get("passkeys") == "create")


class SwitchHandler(InteractionHandler):
    """POST /interaction/{uid}/switch: whoever is signed in, or half so, lets somebody else."""

    async def get(self) -> None:
        """Change nothing: a link can be followed by anybody's wish."""
        self.start_over()

    async def post(self) -> None:
        if self.csrf_holds(self.form()) and self.asks_for("login"):
            half_way = self.opened.interaction.sign_in.account_id is not None
            if half_way and not self.opened.steps_up:
                await second_factor.start_over(self.runtime, self.opened)
            else:
                await open_interactions.switch_account(self.runtime, self.opened)
        self.start_over()


class AbortHandler(InteractionHandler):
    """GET /interaction/{uid}/abort: in the browser that began it, and nowhere else."""

    async def get(self) -> None:
        await open_interactions.abort(self.runtime, self.opened)
        self.resume()
