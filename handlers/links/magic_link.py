"""Magic link, followed: in the browser that asked for it, or in another one (requirement G.5)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers import browser_cookies
from handlers.links.base import LinkHandler, LoginMethodDisabled
from handlers.oidc import outcomes
from handlers.pages import finish_page, home_url
from porta.authn import login, magic_link
from porta.authn.authenticator import LoginFailed
from porta.browser.open_interactions import OpenInteraction
from porta.protocol.requests.params import Params
from porta.tenants import resolve
from porta.tenants.home_realms import ElsewhereOnly
from storage.models.auth_tokens import MailedLink
from storage.models.interactions import Interaction

_METHOD = "magic_link"


class MagicLinkHandler(LinkHandler):
    """GET and POST /{slug}/auth/magic-link/{token}?interaction={uid}."""

    link: MailedLink
    here: OpenInteraction | None
    """The interaction that the link is for, where this is its browser."""
    origin_elsewhere: Interaction | None
    """The same, where it is not."""

    async def prepare(self) -> None:
        await super().prepare()
        if not self.has_tenant():
            return
        link = await magic_link.find(self.runtime, self.tenant, self.token())
        self.here = self.origin_elsewhere = None
        if link is not None:
            self.link = link
            await self._find_interaction(link)
        if self.here is None and self.origin_elsewhere is None:
            await self.finish_over(_METHOD)

    async def _find_interaction(self, link: MailedLink) -> None:
        opened = await self.opened_here()
        if opened is None or link.interaction not in (None, opened.interaction.id):
            self.origin_elsewhere = await magic_link.find_origin(
                self.runtime, self.tenant, link, self.named("interaction")
            )
        elif opened.interaction.prompt == "login":
            if _METHOD not in opened.login_methods:
                raise LoginMethodDisabled("nobody signs in by a magic link here")
            self.here, self.wears = opened, opened.client

    async def get(self) -> None:
        await self._show()

    async def head(self) -> None:
        await self.get()

    async def post(self) -> None:
        form = self.form()
        if not self.csrf_holds(form):
            await self._show(HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
        elif self.here is not None:
            await self._sign_in(self.here)
        elif form.get("decision") == "code":
            await self._give_up()
        else:
            await magic_link.disown(self.runtime, self.tenant, self.token(), self.link, self.origin)
            await self.finish_over("magic_link_disowned", status=HTTPStatus.OK)

    async def _sign_in(self, opened: OpenInteraction) -> None:
        asked = {"remember": ("yes",)} if opened.interaction.remembers else {}
        form = Params({"email": (self.link.email,), "token": (self.token(),)} | asked)
        kept = browser_cookies.keepsakes(self)
        try:
            signed_in = await login.submit(self.runtime, opened, _METHOD, form, self.origin, kept)
        except LoginFailed as refusal:
            await self._refuse(refusal)
            return
        except ElsewhereOnly as refusal:
            await self.finish_elsewhere(refusal.realm, self.link.email)
            return
        if signed_in is None:
            self.see_other(self.interaction_url(opened) or "")
            return
        browser_cookies.keep_sign_in(self, signed_in)
        outcomes.resume(self, opened.uid)

    async def _refuse(self, refusal: LoginFailed) -> None:
        if refusal.reason == "over":
            await self.finish_over(_METHOD)
            return
        if refusal.retry_after is not None:
            self.set_header("Retry-After", refusal.retry_after)
        await self._show(refusal.status, error=refusal.message)

    async def _give_up(self) -> None:
        code = await magic_link.give_up(self.runtime, self.tenant, self.token(), self.link)
        if code is None:
            await self.finish_over(_METHOD)
        else:
            finish_page(
                self, "magic_link_code", code=f"{code[:4]} {code[4:]}",
                client_name=await self._client_name(), minutes=magic_link.CODE_TTL // 60,
                home_url=home_url(self),
            )  # fmt: skip

    async def _show(self, status: int = HTTPStatus.OK, **values: Any) -> None:
        name = "magic_link" if self.here is not None else "magic_link_elsewhere"
        finish_page(
            self, name, status=status, csrf=self.csrf(), account=self.link.email,
            client_name=await self._client_name(), **values,
        )  # fmt: skip

    async def _client_name(self) -> str | None:
        """Return the application that the sign-in leads to."""
        if self.here is not None:
            return self.here.client.client_name
        assert self.origin_elsewhere is not None
        client_id = self.origin_elsewhere.client_id
        client = await resolve.find_client(self.runtime, self.tenant, client_id)
        return client.client_name if client is not None else None
