"""Set-up link: a provider connected, or a domain proven, by whoever was sent it (decisions/0048).

GET shows a page and changes nothing; the first POST binds the link to its browser. A sign-in is
tried by a form as well: it leads to the provider, whose answer comes to the callback below it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers.links import setup_pages
from handlers.links.base import LinkHandler
from handlers.pages import finish_page, home_url, wait
from porta.authn.federation import round_trip, trial
from porta.errors import Conflict, Invalid, TooManyRequests, Unavailable
from porta.outbound.http import NotSent
from porta.protocol.requests.params import Params
from porta.services import setup, setup_drafts, setup_forms
from porta.services.password_reset import LinkOver
from porta.services.setup import BegunElsewhere, NoMoreTests, Setup, Stale
from storage.errors import AlreadyConsumed
from storage.models.setup_links import SetupLink

_KIND = "setup"
_FIELDS = tuple({each.name: None for form in setup_forms.FORMS.values() for each in form.fields})
_FREE = frozenset({*_FIELDS, "given_name", "family_name"})


class SetupHandler(LinkHandler):
    """GET and POST /{slug}/auth/setup/{token}; where it `comes_back`, GET of the callback below it,
    where the callback of a connection leads for what was asked of the draft of one.
    """

    comes_back: bool

    def initialize(self, *, comes_back: bool) -> None:
        self.comes_back = comes_back

    async def get(self) -> None:
        found = await self.find()
        if found is None:
            return
        if self.comes_back:
            await self._come_back(found)
        else:
            await self.show(found, changes=self.named("change") is not None)

    async def head(self) -> None:
        """Take no answer of a provider: no body is sent to whom that could be told."""
        if self.comes_back:
            self.see_other(self.place())
        else:
            await self.get()

    async def post(self) -> None:
        if self.comes_back:  # no form of ours is sent there
            self.see_other(self.place())
            return
        form, found = self.form(free=_FREE), await self.find()
        if found is None:
            return
        if not self.csrf_holds(form):
            await self.show(found, HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
            return
        try:
            await self._act(found, form)
        except LinkOver:
            await self.finish_over(_KIND)
        except BegunElsewhere:
            await self._finish_elsewhere()

    def token(self) -> str:
        return self.request.path.split("/")[4]

    def place(self) -> str:
        return self.path_of(f"setup/{self.token()}")

    def menu_query(self) -> str | None:
        """The address that somebody comes back to holds a code that is used up."""
        return None if self.comes_back else super().menu_query()

    async def find(self) -> Setup | None:
        """Return what the link is good for in this browser, or answer that it is not."""
        try:
            found = await setup.find(self.runtime, self.tenant, self.token())
            setup.is_begun(found, self.browser())
        except LinkOver:
            await self.finish_over(_KIND)
        except BegunElsewhere:
            await self._finish_elsewhere()
        else:
            return found
        return None

    async def show(
        self,
        found: Setup,
        status: int = HTTPStatus.OK,
        *,
        changes: bool = False,
        **values: Any,
    ) -> None:
        """Show the step that is next."""
        link = found.link
        values |= {"csrf": self.csrf(), "action": self.place()}
        if not setup.is_begun(found, self.browser()):
            page, told = "setup", setup_pages.beginning(found)
        elif found.domain is not None:
            page, told = "setup_domain", setup_pages.domain(found.domain)
        elif link.tested is not None and not changes:
            page, told = "setup_tested", setup_pages.tested(link)
        else:
            page, told = "setup_connection", setup_pages.form(link, self.tenant.issuer)
        finish_page(self, page, status=status, **{**told, **values})

    async def _act(self, found: Setup, form: Params) -> None:
        step = form.get("step")
        if step == "begin":
            await setup.begin(self.runtime, found, self.browser(), self.origin)
            self.see_other(self.place())
        elif not setup.is_begun(found, self.browser()):
            await self.show(found)
        elif step == "look" and found.domain is not None:
            await self._look(found)
        elif step == "test" and found.link.provider is not None:
            await self._test(found, form)
        elif step == "finish" and found.link.provider is not None:
            await self._finish(found, form)
        else:
            await self.show(found)

    async def _test(self, found: Setup, form: Params) -> None:
        typed = {name: form.get(name) or "" for name in _FIELDS}
        again: dict[str, Any] = {
            "changes": True,
            "typed": setup_pages.shown_again(found.link, typed),
        }
        try:
            await trial.count(self.runtime, self.tenant, found.link, self.origin.address)
            link = await setup.save(self.runtime, found, typed)
            url = await trial.begin(self.runtime, self.tenant, link, self.token())
        except NoMoreTests:  # no wait makes it more: it is no 429, which would say how long
            await self.show(found, HTTPStatus.CONFLICT, error="setup.error_tests", **again)
        except TooManyRequests as refusal:
            await self.show_throttled(found, refusal, **again)
        except NotSent as failure:
            await self._failed(found.link, failure)
        except LinkOver:
            raise
        except Invalid as refusal:
            problems = setup_drafts.problems_of(found.link.provider or "", refusal)
            await self.show(found, HTTPStatus.BAD_REQUEST, problems=problems, **again)
        else:
            self.see_other(url)

    async def _come_back(self, found: Setup) -> None:
        response, link = self.query(), found.link
        request = await trial.find_request(
            self.runtime, self.tenant, link, self.token(), response.get("state")
        )
        if request is None or not setup.is_begun(found, self.browser()):
            await self.show(found, HTTPStatus.CONFLICT, error="setup.error_stale")
            return
        try:
            profile = await trial.complete(self.runtime, self.tenant, link, request, response)
            await setup.keep_test(self.runtime, link, request.draft_number, profile, self.origin)
        except round_trip.FAILURES as failure:
            await self._failed(link, failure)
        except (AlreadyConsumed, Stale):
            self.see_other(self.place())
        else:
            self.see_other(self.place())

    async def _failed(self, link: SetupLink, failure: Exception) -> None:
        """Tell why a test led nowhere: what the provider said, and of what is not reached no more
        than that.
        """
        _, reason, status = round_trip.told_of(failure)
        await setup.note_failure(self.runtime, link, reason, self.origin)
        found = await self.find()
        if found is None:
            return
        reached = not isinstance(failure, NotSent)
        key = "setup.error_test" if reached else "setup.error_unreachable"
        await self.show(found, status, changes=True, error=key, reason=reason if reached else None)

    async def _finish(self, found: Setup, form: Params) -> None:
        chosen = {name: form.get(name) or "" for name in ("given_name", "family_name")}
        try:
            made = await setup.finish(
                self.runtime, self.tenant, found, self.browser(),
                _number_of(form.get("draft") or ""),
                chosen, self.origin,
            )  # fmt: skip
        except Stale:
            await self.show(found, HTTPStatus.CONFLICT, error="setup.error_stale")
        except Conflict:
            await self.show(found, HTTPStatus.CONFLICT, error="setup.error_conflict")
        else:
            finish_page(self, "setup_done", connection=made.name, home_url=home_url(self))

    async def _look(self, found: Setup) -> None:
        assert found.domain is not None
        try:
            await setup.look_up(self.runtime, self.tenant, found, self.browser(), self.origin)
        except Conflict:
            await self.show(found, error="setup.error_record")
        except TooManyRequests as refusal:
            await self.show_throttled(found, refusal)
        except Unavailable as refusal:
            await self.show(found, refusal.status, error="setup.error_resolver")
        except (LinkOver, BegunElsewhere):
            raise
        except Invalid:  # the connection that it leads to is gone, or was switched off
            await self.show(found, HTTPStatus.CONFLICT, error="setup.error_leads")
        else:
            finish_page(self, "setup_done", domain=found.domain.domain, home_url=home_url(self))

    async def show_throttled(self, found: Setup, refusal: TooManyRequests, **values: Any) -> None:
        """Show the step again, and how long to wait."""
        self.set_header("Retry-After", refusal.retry_after or 0)
        await self.show(
            found, refusal.status, error="errors.rate_limit_exceeded",
            **wait(self, refusal.retry_after), **values,
        )  # fmt: skip

    async def _finish_elsewhere(self) -> None:
        await self.finish_over("setup_elsewhere", status=HTTPStatus.CONFLICT)


def _number_of(text: str) -> int:
    """Return the number of the draft that a page showed; -1 for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else -1
