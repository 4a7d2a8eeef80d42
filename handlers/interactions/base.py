"""Base of interaction pages: the interaction, in the browser that began it."""

from __future__ import annotations

from typing import Any

from handlers import browser_cookies
from handlers.interactions import endings
from handlers.oidc import outcomes
from handlers.pages import FOR_PEOPLE, finish_page
from handlers.tenant import TenantHandler
from porta.authn.progress import SignedIn
from porta.browser import open_interactions, request_copies
from porta.browser.binding import Browser
from porta.browser.open_interactions import OpenInteraction
from porta.errors import Forbidden, NotFound
from porta.protocol.requests.params import Params
from porta.tenants.tenant import Tenant
from storage.errors import Unreachable


class InteractionHandler(TenantHandler):
    """Opens the interaction of the path. Its tenant is the one the interaction belongs to."""

    answers = FOR_PEOPLE
    opened: OpenInteraction

    async def prepare(self) -> None:
        try:
            self.opened = await open_interactions.get(self.runtime, self.uid(), self._browser_at)
        except NotFound as error:
            await endings.end(self, self.uid(), error)
            return
        except Unreachable as failure:
            await outcomes.begin_again(self, self.uid(), failure)
            return
        except Forbidden as refusal:
            await self.refuse_tenant(refusal)
            return
        self.tenant = self.opened.tenant
        self.about.organization = self.tenant.slug
        self.about.client_id = self.opened.client.client_id
        self.met = self.opened.interaction
        self.wears = self.opened.client

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Lead on where Redis was lost in the middle of a step: the request goes on from its copy.

        Nothing of the step is kept: what it changes is committed after the interaction.
        """
        failure = kwargs.get("exc_info", (None, None, None))[1]
        met = isinstance(failure, Unreachable) and hasattr(self, "opened")
        if met and endings.find_lost(self, self.uid()) is not None:
            outcomes.resume(self, self.uid())
            return
        super().write_error(status_code, **kwargs)

    def uid(self) -> str:
        return self.request.path.split("/", 3)[2]

    def retry_url(self) -> str | None:
        """Return the page of the interaction: a form may be gone, it is not (people 23b)."""
        return f"{self.application.base_path}/interaction/{self.uid()}"

    def claimed_client(self) -> str | None:
        copy = request_copies.find(self.runtime, self.uid())
        return copy.client_id if copy is not None else None

    def menu_query(self) -> str | None:
        """A form was answered: its address leads to the page that asks for what is missing."""
        return super().menu_query() if self.request.method != "POST" else ""

    def _browser_at(self, tenant: Tenant) -> Browser:
        self.tenant = tenant
        return self.browser()

    def ui_locales(self) -> str | None:
        if not hasattr(self, "opened"):
            return None
        return self.opened.interaction.parameters.get("ui_locales")

    def csrf_holds(self, form: Params) -> bool:
        """Whether the form was rendered for this interaction."""
        try:
            open_interactions.check_csrf(self.opened, form.get("_csrf"))
        except Forbidden:
            return False
        return True

    def asks_for(self, prompt: str) -> bool:
        """Whether this is what is missing: `login`, `consent` or `gesture`."""
        return self.opened.interaction.prompt == prompt

    def start_over(self) -> None:
        """Send the browser to the page that asks for what is missing."""
        self.see_other(f"{self.application.base_path}/interaction/{self.opened.uid}")

    def resume(self) -> None:
        """Send the browser on: the authorization request continues."""
        outcomes.resume(self, self.opened.uid)

    def finish_sign_in(self, signed_in: SignedIn | None) -> None:
        """Send the browser on with its new session; without one, to what is still asked for."""
        if signed_in is None:
            self.start_over()
        else:
            self.keep_sign_in(signed_in)
            self.resume()

    def keep_sign_in(self, signed_in: SignedIn) -> None:
        """Hand the browser its new session."""
        browser_cookies.keep_sign_in(self, signed_in)

    def finish_step(self, name: str, *, status: int, **values: Any) -> None:
        """Answer with a page whose form ends, in the end, at the client."""
        interaction = self.opened.interaction
        finish_page(
            self,
            name,
            status=status,
            uid=self.opened.uid,
            csrf=interaction.csrf,
            client_name=self.opened.client.client_name,
            **values,
        )
