"""Account page: where its owner is signed in, which applications act for them; an end to both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import NamedTuple

from handlers import languages
from handlers.account.base import AccountHandler
from handlers.pages import finish_page, home_url
from porta.pages import consent_lines
from porta.pages.consent_lines import Line
from porta.protocol import endpoints
from porta.protocol.requests.params import Params
from porta.services import consents, session_control
from porta.services.consents import ConsentedClient
from porta.text import user_agents
from storage.models.artifacts import Consent
from storage.models.sessions import SessionEntry

_TOLD = frozenset({"session", "sessions", "application"})
"""What has been done, as the address of the page may say."""


class SessionLine(NamedTuple):
    """A session, for its owner to recognize. `used_at` is in seconds since the epoch."""

    id: str
    browser: str | None
    system: str | None
    address: str | None
    used_at: float
    is_this: bool


class ApplicationLine(NamedTuple):
    """An application, and what its owner let it do; no lines for one that never asked."""

    client_id: str
    name: str
    lines: tuple[Line, ...]


async def show(
    handler: AccountHandler, *, status: int = HTTPStatus.OK, error: str | None = None
) -> None:
    """Show the account."""
    storage, user = handler.runtime.storage, handler.visit.user
    told = handler.query().get("told") if handler.request.method == "GET" else None
    sessions = await session_control.list_own(storage, user)
    acting = await consents.list_acting(storage, user)
    finish_page(
        handler,
        "account",
        status=status,
        error=error,
        notice=f"account.told_{told}" if told in _TOLD else None,
        csrf=handler.csrf(),
        account=user.email,
        asks_again=not handler.visit.is_recent,
        sessions=tuple(_session(handler, each) for each in sessions),
        applications=tuple([await _application(handler, each) for each in acting]),
        account_url=handler.home(),
        sign_out_url=handler.path_of(endpoints.END_SESSION),
        home_url=home_url(handler),
    )


def _session(handler: AccountHandler, entry: SessionEntry) -> SessionLine:
    browser, system = user_agents.name_of(entry.user_agent)
    is_this = entry.id == handler.visit.session.uid
    return SessionLine(entry.id, browser, system, entry.ip_address, entry.last_activity_at, is_this)


async def _application(handler: AccountHandler, allowed: ConsentedClient) -> ApplicationLine:
    runtime, language = handler.runtime, languages.language(handler)
    client = await runtime.client(allowed.client_id, handler.tenant.id)
    lines = consent_lines.build(
        Consent(scope=allowed.scopes, resource=allowed.resources, claims=allowed.claims),
        await runtime.api_resources(handler.tenant.id),
        client.claim_definitions if client else (),
        runtime.pages.texts(handler.organization(), language),
        language,
    )
    name = client.client_name if client else allowed.client_id
    return ApplicationLine(allowed.client_id, name, tuple(lines))


class OverviewHandler(AccountHandler):
    """GET /{slug}/account."""

    async def get(self) -> None:
        await show(self)

    async def head(self) -> None:
        await self.get()


async def change(handler: AccountHandler, work: Callable[[Params], Awaitable[str | None]]) -> None:
    """Answer a form of the account: nothing is changed but by its owner, who signed in not long
    ago. `work` does what the form says, and returns what of `_TOLD` that was, or None for nothing.
    """
    form = handler.form()
    if not handler.csrf_holds(form):
        await show(handler, status=HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
    elif not handler.visit.is_recent:
        await handler.ask(handler.visit)
    else:
        handler.see_other(handler.home(await work(form)))


class SessionsHandler(AccountHandler):
    """POST /{slug}/account/sessions: ends the `session` that is named, or all `others`."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.see_other(self.home())

    async def post(self) -> None:
        await change(self, self._change)

    async def _change(self, form: Params) -> str | None:
        user, uid = self.visit.user, self.visit.session.uid
        async with self.runtime.storage.transaction() as tx:
            if "others" in form:
                await session_control.end_others(tx, self.actor(), user, uid)
                return "sessions"
            named = form.get("session") or ""
            ended = named != uid and await session_control.end_own(tx, self.actor(), user, named)
            return "session" if ended else None


class ApplicationsHandler(AccountHandler):
    """POST /{slug}/account/applications: takes back what the `client` was allowed."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.see_other(self.home())

    async def post(self) -> None:
        await change(self, self._change)

    async def _change(self, form: Params) -> str | None:
        named = form.get("client") or ""
        async with self.runtime.storage.transaction() as tx:
            taken = await consents.take_back(tx, self.actor(), self.visit.user, named)
        return "application" if taken else None
