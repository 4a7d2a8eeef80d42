"""Base of the pages of one's own account: a session, CSRF, and a sign-in that is not long ago.

A section of the account is a module with a handler and its `SECTION`, a template
`pages/account_{name}.html`, and a line of `SECTIONS` in `__init__.py`:

- `title` and hint are the texts `account.{name}` and `account.{name}_hint`.
- `show` shows the page, by `finish_section`; `told` names what the page may say was done, in the
  texts `account.told_{what}`.
- `post` asks `accepted(handler)` for its form: None where it was answered already, because it is no
  form of this person in this browser, or because they have to show once more that it is them, which
  leads back to the section. Reading something that matters asks `require_recent` alone.
- What changes something holds the person by `account_visits.hold` in its transaction: a session
  that was ended meanwhile changes nothing, and leads to a sign-in.
- What a day has is counted in `accepted`, unless `is_counted` says that it is no such change. One
  too many ends on the page, which says until when, with what `again` takes over from the form.
- `done(told)` leads back to the page; `notices.tell_change` tells by mail what has changed.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar, NamedTuple

from handlers import browser_cookies
from handlers.pages import FOR_PEOPLE, finish_page, wait
from handlers.tenant import TenantHandler
from porta.audit.actors import Actor
from porta.browser import account_visits, binding
from porta.browser.account_visits import Visit, VisitOver
from porta.limits import own_changes
from porta.limits.own_changes import DayOver
from porta.limits.rate_limits import Throttled
from porta.protocol import endpoints
from porta.protocol.requests.params import Params


class AccountHandler(TenantHandler):
    """A page below /{slug}/account, of whoever is signed in; who is not is asked to."""

    answers = FOR_PEOPLE
    told: ClassVar[frozenset[str]] = frozenset()
    """What has been done, as the address of the page may say."""
    visit: Visit
    section: str | None
    """Which page it is; None for the first one."""
    sections: tuple[str, ...]
    """All that there are."""

    def initialize(self, section: str | None, sections: tuple[str, ...]) -> None:
        self.section, self.sections = section, sections

    async def prepare(self) -> None:
        await super().prepare()
        if not self.has_tenant():
            return
        visit = await account_visits.find(self.runtime, self.tenant, self.browser())
        if visit is not None:
            self.visit = visit
        elif self.request.method == "POST":
            # A form of another site brings no cookie of `SameSite=Lax`, and a new secret would end
            # every session and sign-in of the one that the browser has. The GET brings it.
            self.done(None)
        else:
            await self.ask(None)

    async def get(self) -> None:
        await self.show()

    async def head(self) -> None:
        await self.get()

    def ui_locales(self) -> str | None:
        """What a person chose for their account comes before what a browser asks for."""
        if not hasattr(self, "visit"):
            return super().ui_locales()
        wanted = super().ui_locales(), (self.visit.user.locale or "").replace("_", "-")
        return " ".join(filter(None, wanted)) or None

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        """Show the page. `values` are what a form that was refused said, and why."""
        raise NotImplementedError

    async def ask(self, visit: Visit | None) -> None:
        """Lead to a sign-in, which leads back: to the page, since what was posted is not kept."""
        handle, secret = await account_visits.begin(
            self.runtime, self.tenant, self.browser(), self.origin.address, visit, self.section
        )
        browser_cookies.keep_browser(self, secret)
        self.interaction_uid, self.begins_for = handle, self.tenant.config.interaction_ttl
        self.see_other(f"{self.application.base_path}/interaction/{handle}")

    def is_counted(self, form: Params) -> bool:
        """Whether what a form asks for is one of the changes that a day has (`own_changes`). What
        takes something away from whoever got in is not: nothing may stop that.
        """
        return True

    async def again(self, form: Params) -> dict[str, Any]:
        """Return what `show` is given so that what was typed is there once more: no password, and
        no code.
        """
        return {}

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

    def done(self, told: str | None) -> None:
        """Lead back to the page, which says what has been done; None for nothing."""
        path = self.path_of(endpoints.account_page(self.section))
        self.see_other(path if told is None else f"{path}?told={told}")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if isinstance(kwargs.get("exc_info", (None, None, None))[1], VisitOver):
            self.done(None)  # where a sign-in is asked for
        else:
            super().write_error(status_code, **kwargs)


class Section(NamedTuple):
    """A page of the account, below `/{slug}/account/{name}`."""

    name: str
    handler: type[AccountHandler]
    further: tuple[tuple[str, type[AccountHandler]], ...] = ()
    """What stands below it: the rest of the path, from its slash, and who answers."""


async def require_recent(handler: AccountHandler) -> bool:
    """Whether this person signed in not long ago. If not, it is answered: they are to show once
    more that it is them, and are led back to this section.
    """
    if handler.visit.is_recent:
        return True
    await handler.ask(handler.visit)
    return False


async def accepted(handler: AccountHandler, *, free: frozenset[str] = frozenset()) -> Params | None:
    """Return the form that was sent, where it is one of this person in this browser, who signed in
    not long ago, and has changes left for the day; None where that is answered already. `free` as
    for `PortaHandler.form`.
    """
    form = handler.form(free=free)
    if not handler.csrf_holds(form):
        await handler.show(status=HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
        return None
    if not await require_recent(handler):
        return None
    try:
        if handler.is_counted(form):
            await count_change(handler)
    except Throttled as refusal:
        await show_throttled(handler, refusal, **await handler.again(form))
        return None
    return form


async def count_change(handler: AccountHandler) -> None:
    """Count a change of this section. Raises DayOver."""
    section = handler.section or ""
    await own_changes.count(handler.runtime, handler.tenant, section, handler.actor())


async def show_throttled(handler: AccountHandler, refusal: Throttled, **values: Any) -> None:
    """Show the page again, with what was typed there, and how long to wait."""
    handler.set_header("Retry-After", refusal.retry_after or 0)
    told = wait(handler, refusal.retry_after)
    changes = isinstance(refusal, DayOver)
    error = "account.error_changes" if changes else "errors.rate_limit_exceeded"
    await handler.show(status=refusal.status, error=error, **told, **values)


def finish_section(
    handler: AccountHandler, name: str, *, status: int = HTTPStatus.OK, **values: Any
) -> None:
    """Answer with the page `name`, which has `values` beside what every section has."""
    told = handler.query().get("told") if handler.request.method == "GET" else None
    finish_page(
        handler,
        name,
        status=status,
        notice=f"account.told_{told}" if told in handler.told else None,
        csrf=handler.csrf(),
        account=handler.visit.user.email,
        asks_again=not handler.visit.is_recent,
        account_url=handler.path_of(endpoints.ACCOUNT),
        **values,
    )
