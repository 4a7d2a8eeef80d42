"""Base of the pages below /{slug}/auth/ that a mailed link leads to, or that have one mailed.

A further kind of link is a handler of LinkHandler, at a path that ends in its token:

- `token()` is what the path says; look it up by `link_tokens.digest_of` in `storage.auth_tokens`.
- GET and HEAD change nothing, since mail scanners send them, and run scripts: they show a page with
  a form, whose button a person presses. `csrf()` goes into it as `_csrf`, and hands the browser the
  secret that it is bound to where it has none; POST asks `csrf_holds(form)` before anything else.
- POST alone uses the link, by `storage.auth_tokens.use`, in the transaction of what it is for.
- A link that is not found, or no longer, is told by `finish_over`: what happened, and what to do
  next. Its words are `links.over_{kind}_title`, `links.over_{kind}` and `links.over_{kind}_hint`.
- `opened_here()` is the interaction that the link names, in the browser that began it: a way on.

What is answered below a secret address is never kept, tells nobody where it was (`no-referrer`),
and fetches nothing from elsewhere (requirement G.8): `is_secret` sees to it, for errors too.
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Any

from handlers import browser_cookies
from handlers.interactions.endings import shown
from handlers.pages import FOR_PEOPLE, finish_page, home_url, wait
from handlers.tenant import TenantHandler
from porta.browser import binding, open_interactions
from porta.browser.binding import Browser
from porta.browser.open_interactions import OpenInteraction
from porta.errors import Forbidden, NotFound, PortaError
from porta.limits.rate_limits import Throttled
from porta.protocol.requests.params import Params
from porta.tenants.home_realms import HomeRealm
from porta.tenants.tenant import Tenant
from storage.errors import Unreachable


class LoginMethodDisabled(PortaError):
    """A page of a way to sign in that there is none of here."""

    status = 400
    code = "login_method_disabled"


class LinkHandler(TenantHandler):
    """A page of an organization whose address is a secret, or whose form leads to one."""

    answers = FOR_PEOPLE
    is_secret = True
    _secret: str | None = None

    def token(self) -> str:
        """Return the last segment of the path."""
        return self.request.path.rpartition("/")[2]

    def csrf(self) -> str:
        """Return the CSRF value of a form at this address, for this browser and no other."""
        secret = self.browser().secret or self._secret
        if secret is None:
            secret = self._secret = binding.new_secret()
            if self._is_from_here():
                browser_cookies.keep_browser(self, secret)
        return binding.form_value(self.runtime.settings.cookie_keys, secret, self.place())

    def place(self) -> str:
        """Return the path that forms of this page are sent to."""
        return self.request.path

    def _is_from_here(self) -> bool:
        """Whether what the browser has of ours came along: a form of another site brings no cookie
        of `SameSite=Lax`, and a new secret would end every session and sign-in of the one it has.
        """
        posted = self.request.method == "POST"
        return not posted or self.request.headers.get("Sec-Fetch-Site") == "same-origin"

    def csrf_holds(self, form: Params) -> bool:
        """Whether the form was shown to this browser, at this address."""
        keys, place = self.runtime.settings.cookie_keys, self.place()
        return binding.is_form_of(keys, self.browser(), place, form.get("_csrf"))

    async def opened_here(self) -> OpenInteraction | None:
        """Return the interaction that the request names, where this browser began it, and it is not
        over.
        """
        uid = self.named("interaction")
        if uid is None:
            return None
        with suppress(NotFound, Forbidden, Unreachable):
            return await open_interactions.get(self.runtime, uid, self._browser_at)
        return None

    def _browser_at(self, tenant: Tenant) -> Browser:
        """An interaction of another organization is none of this page's."""
        return self.browser() if tenant.id == self.tenant.id else Browser()

    def interaction_url(self, opened: OpenInteraction | None) -> str | None:
        """Return where a sign-in goes on."""
        if opened is None:
            return None
        return f"{self.application.base_path}/interaction/{opened.uid}"

    def sign_in_url(self, opened: OpenInteraction | None) -> str | None:
        """Return the same, past the registration that its client asked for (`prompt=create`)."""
        url = self.interaction_url(opened)
        if opened is None or url is None or not opened.registers:
            return url
        return f"{url}?sign_in=1"

    def path_of(self, page: str) -> str:
        """Return the path of a page below /{slug}/auth/."""
        return f"{self.application.base_path}/{self.tenant.slug}/auth/{page}"

    async def finish_elsewhere(self, realm: HomeRealm, email: str) -> None:
        """Answer that an address signs in at its provider alone, and lead there: from the sign-in
        that is open in this browser, or else from the organization's page.
        """
        opened = await self.opened_here()
        finish_page(
            self,
            "home_realm",
            uid=opened.uid if opened is not None else "",
            csrf=opened.interaction.csrf if opened is not None else "",
            client_name=opened.client.client_name if opened is not None else None,
            connection=realm.connection.id,
            provider=realm.connection.name,
            domain=realm.domain,
            email=shown(email),
            required=True,
            home_url=home_url(self),
        )

    def often(self, refusal: Throttled) -> dict[str, Any]:
        """Return what a page is given that says how long to wait."""
        self.set_header("Retry-After", refusal.retry_after or 0)
        return {"error": "errors.rate_limit_exceeded", **wait(self, refusal.retry_after)}

    async def finish_over(
        self, kind: str, *, again_url: str | None = None, status: int = HTTPStatus.BAD_REQUEST
    ) -> None:
        """Answer that a link is unknown, used or over, which are not told apart.

        `again_url` is where another one can be asked for. Without it the way on is the sign-in
        that the link was asked for at, or the organization's page.
        """
        opened = await self.opened_here()
        finish_page(
            self,
            "link_over",
            status=status,
            kind=kind,
            error=f"links.over_{kind}",
            again_url=again_url,
            resume_url=self.interaction_url(opened),
            home_url=home_url(self),
        )
