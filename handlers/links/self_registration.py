"""Self-registration: a link is asked for, mailed, and followed (decisions/0045)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers import languages
from handlers.interactions.endings import shown
from handlers.links.base import LinkHandler
from handlers.links.typed import take
from handlers.pages import finish_page, home_url
from porta.browser.open_interactions import OpenInteraction
from porta.errors import NotFound
from porta.limits.rate_limits import Throttled
from porta.protocol.requests.params import Params
from porta.security import work_proofs
from porta.services import self_registration, user_passwords
from porta.services.password_reset import LinkOver
from porta.services.self_registration import Asked
from porta.services.typed_address import NoAddress
from porta.services.welcome import Typed
from porta.tenants.home_realms import ElsewhereOnly
from porta.tenants.resolve import takes_registrations

_KIND = "registration"


class RegistrationHandler(LinkHandler):
    """GET and POST /{slug}/auth/register: asks for an address, and mails there what leads on."""

    opened: OpenInteraction | None

    async def prepare(self) -> None:
        await super().prepare()
        if not self.has_tenant():
            return
        if not takes_registrations(self.runtime, self.tenant):
            raise NotFound("nobody makes an account for themselves here")
        self.opened = await self.opened_here()
        self.wears = self.opened.client if self.opened is not None else None

    async def get(self) -> None:
        self._show()

    async def head(self) -> None:
        await self.get()

    async def post(self) -> None:
        form = self.form(free=frozenset({"email"}))
        email = form.get("email") or ""
        if not self.csrf_holds(form):
            self._show(HTTPStatus.FORBIDDEN, email=email, error="errors.csrf_invalid")
            return
        asked = Asked(email, languages.language(self), self.opened, self._proof(form))
        try:
            await self_registration.ask(self.runtime, self.tenant, asked, self.origin)
        except ElsewhereOnly as refusal:
            await self.finish_elsewhere(refusal.realm, email)
        except NoAddress as refusal:
            self._show(email=email, error=refusal.message)
        except Throttled as refusal:
            self._show(refusal.status, email=email, **self.often(refusal))
        else:
            self._show(email=email, sent=True)

    def _proof(self, form: Params) -> str | None:
        """Return the puzzle that the form solves; without one the limits are tighter."""
        keys, now = self.runtime.settings.cookie_keys, self.runtime.clock()
        return work_proofs.find_solved(keys, self._place(), form.get("proof") or "", now)

    def _place(self) -> str:
        """Return what a puzzle is bound to: this form, this browser, and the sign-in it is for."""
        uid = self.opened.interaction.id if self.opened is not None else ""
        return f"{self.request.path} {uid} {self.browser().secret or self._secret}"

    def _show(self, status: int = HTTPStatus.OK, *, email: str = "", **values: Any) -> None:
        csrf = self.csrf()
        keys, now = self.runtime.settings.cookie_keys, self.runtime.clock()
        finish_page(
            self,
            "register",
            status=status,
            csrf=csrf,
            email=shown(email),
            puzzle=work_proofs.new_puzzle(keys, self._place(), now),
            difficulty=work_proofs.DIFFICULTY,
            back_url=self.sign_in_url(self.opened) or home_url(self),
            **values,
        )


class CompleteRegistrationHandler(LinkHandler):
    """GET and POST /{slug}/auth/register/{token}: the account, by a mailed link."""

    async def get(self) -> None:
        await self._show()

    async def head(self) -> None:
        await self.get()

    async def post(self) -> None:
        try:
            await take(self, self._complete, self._show, self._finish_over)
        except ElsewhereOnly as refusal:
            await self.finish_elsewhere(refusal.realm, "")

    async def _complete(self, typed: Typed) -> None:
        language = languages.language(self)
        offer, client_url = await self_registration.complete(
            self.runtime, self.tenant, self.token(), typed, language, self.origin
        )
        resume_url, self.wears = self.sign_in_url(await self.opened_here()), offer.client
        finish_page(
            self,
            "invite_success",
            account=offer.email,
            client_name=offer.client.client_name if offer.client else None,
            client_url=(resume_url or client_url) if offer.client else None,
            home_url=home_url(self),
        )

    async def _show(self, status: int = HTTPStatus.OK, **values: Any) -> None:
        try:
            offer = await self_registration.find(self.runtime, self.tenant, self.token())
        except LinkOver:
            await self._finish_over()
            return
        except ElsewhereOnly as refusal:
            await self.finish_elsewhere(refusal.realm, "")
            return
        self.wears = offer.client
        finish_page(
            self,
            "complete_registration",
            status=status,
            csrf=self.csrf(),
            account=offer.email,
            asks_password=offer.asks_password,
            minimum=user_passwords.minimum_of(self.tenant.organization),
            **values,
        )

    async def _finish_over(self) -> None:
        again_url = None
        if takes_registrations(self.runtime, self.tenant):
            again_url = self.path_of("register")
            if opened := await self.opened_here():
                again_url += f"?interaction={opened.uid}"
        await self.finish_over(_KIND, again_url=again_url)
