"""Sign-out on behalf of a client (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from http import HTTPStatus

from handlers import browser_cookies
from handlers.pages import FOR_PEOPLE, finish_page, name_application
from handlers.tenant import TenantHandler
from porta.errors import PortaError
from porta.protocol import endpoints
from porta.protocol.clients.client_links import find_home
from porta.protocol.requests.params import Params, merge
from porta.protocol.requests.response_modes import build_query
from porta.provider import end_session
from porta.provider.end_session import ConfirmLogout, LoggedOut

_STATUSES = {
    None: HTTPStatus.OK,
    "errors.csrf_invalid": HTTPStatus.FORBIDDEN,
    "logout.not_registered": HTTPStatus.BAD_REQUEST,
}


class EndSessionAnswerHandler(TenantHandler):
    """Turns what became of a logout into a redirect or a page."""

    answers = FOR_PEOPLE

    def claimed_client(self) -> str | None:
        return self.named("client_id")

    def path(self, endpoint: str) -> str:
        return f"{self.application.base_path}/{self.tenant.slug}{endpoint}"

    def answer(self, outcome: ConfirmLogout | LoggedOut) -> None:
        if isinstance(outcome, ConfirmLogout):
            self.ask(outcome)
        else:
            self.leave(outcome)

    def ask(self, question: ConfirmLogout) -> None:
        client = self.wears = question.client
        home = find_home(client) if client is not None else None
        back = question.parameters.get("post_logout_redirect_uri") or home
        finish_page(
            self,
            "logout",
            status=_STATUSES[question.error],
            xsrf=question.xsrf,
            client_name=client.client_name if client is not None else None,
            action=self.path(endpoints.END_SESSION_CONFIRM),
            parameters=question.parameters,
            # Without `state`, which would tell the client of a finished logout (§3).
            cancel_url=back or self.path(""),
            error=question.error,
        )

    def leave(self, outcome: LoggedOut) -> None:
        """No session is left: its cookie goes, and the browser moves on."""
        if self.browser().session is not None:
            browser_cookies.keep_session(self, "", max_age=0)
        self.see_other(outcome.redirect_to or self.success(outcome.client_id))

    def success(self, client_id: str | None) -> str:
        """Return where our own page says so, in the language asked for, and leads to the client."""
        said = {"client_id": client_id, "ui_locales": self.ui_locales()}
        named = {name: value for name, value in said.items() if value}
        return build_query(self.path(endpoints.END_SESSION_SUCCESS), named)

    async def ask_by_get(self, params: Params) -> None:
        """Have the browser ask again: cookies of SameSite=Lax stay at home when another site posts.

        Whether there is a session shows on the GET, and no GET leads back here.
        """
        asked = await end_session.carry(self.runtime, self.tenant, params, self.origin)
        self.see_other(build_query(self.path(endpoints.END_SESSION), asked))


class EndSessionHandler(EndSessionAnswerHandler):
    """GET and POST /{slug}/session/end; no HEAD, which nobody sends to sign out."""

    async def get(self) -> None:
        await self._start(self.query())

    async def post(self) -> None:
        params = merge(self.query(), self.form())
        if self.browser().session is None:
            await self.ask_by_get(params)
        else:
            await self._start(params)

    async def _start(self, params: Params) -> None:
        try:
            outcome = await end_session.start(
                self.runtime, self.tenant, params, self.browser(), self.origin
            )
        except PortaError:
            await name_application(self)
            raise
        self.answer(outcome)


class EndSessionConfirmHandler(EndSessionAnswerHandler):
    """POST /{slug}/session/end/confirm: the form of the logout page; a GET begins anew."""

    async def get(self) -> None:
        self.see_other(self.path(endpoints.END_SESSION))

    async def post(self) -> None:
        params = self.form()
        sealed = end_session.names_session(self.runtime, params)
        if self.browser().session is None and not sealed:
            await self.ask_by_get(params)
            return
        outcome = await end_session.confirm(
            self.runtime, self.tenant, params, self.browser(), self.origin
        )
        self.answer(outcome)


class EndSessionSuccessHandler(EndSessionAnswerHandler):
    """GET /{slug}/session/end/success: where no client wanted the browser back."""

    async def get(self) -> None:
        await name_application(self)
        finish_page(self, "logout_success", **self.ways_on())

    async def head(self) -> None:
        await self.get()
