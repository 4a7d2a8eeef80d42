"""Base of the pages of one's own account: a session, CSRF, and a sign-in that is not long ago."""

from __future__ import annotations

from handlers import browser_cookies
from handlers.pages import FOR_PEOPLE
from handlers.tenant import TenantHandler
from porta.audit.actors import Actor
from porta.browser import account_visits, binding
from porta.browser.account_visits import Visit
from porta.protocol import endpoints
from porta.protocol.requests.params import Params


class AccountHandler(TenantHandler):
    """A page below /{slug}/account, of whoever is signed in; who is not is asked to."""

    answers = FOR_PEOPLE
    visit: Visit

    async def prepare(self) -> None:
        await super().prepare()
        if not self.has_tenant():
            return
        visit = await account_visits.find(self.runtime, self.tenant, self.browser())
        if visit is None:
            await self.ask(None)
        else:
            self.visit = visit

    async def ask(self, visit: Visit | None) -> None:
        """Lead to a sign-in, which leads back: to the page, since what was posted is not kept."""
        handle, secret = await account_visits.begin(
            self.runtime, self.tenant, self.browser(), self.origin.address, visit
        )
        browser_cookies.keep_browser(self, secret)
        self.interaction_uid, self.begins_for = handle, self.tenant.config.interaction_ttl
        self.see_other(f"{self.application.base_path}/interaction/{handle}")

    def csrf(self) -> str:
        """Return the CSRF value of every form here: in this browser, while this person is here."""
        secret = self.browser().secret
        assert secret is not None  # a session counts together with it only
        return binding.form_value(self.runtime.settings.cookie_keys, secret, self._place())

    def csrf_holds(self, form: Params) -> bool:
        """Whether the form was shown to this person, in this browser."""
        keys = self.runtime.settings.cookie_keys
        return binding.is_form_of(keys, self.browser(), self._place(), form.get("_csrf"))

    def _place(self) -> str:
        return f"account {self.tenant.id} {self.visit.session.uid}"

    def actor(self) -> Actor:
        """Return the person, as who does something to what is theirs; they administer nothing."""
        return Actor(user_id=self.visit.user.id, origin=self.origin, organization_id=self.tenant.id)

    def path_of(self, endpoint: str) -> str:
        """Return the path of an endpoint of this organization."""
        return f"{self.application.base_path}/{self.tenant.slug}{endpoint}"

    def home(self, told: str | None = None) -> str:
        """Return the address of the account, which says what has been done."""
        path = self.path_of(endpoints.ACCOUNT)
        return path if told is None else f"{path}?told={told}"
