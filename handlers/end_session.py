"""Sign-out on behalf of a client (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from handlers.pages import TenantPageHandler
from porta.protocol import endpoints
from porta.protocol.params import Params, merge
from porta.provider import end_session
from porta.provider.end_session import ConfirmLogout, LoggedOut


class EndSessionAnswerHandler(TenantPageHandler):
    """Turns what became of a logout into a redirect or a page."""

    def path(self, endpoint: str) -> str:
        return f"{self.application.base_path}/{self.tenant.slug}{endpoint}"

    def answer(self, outcome: ConfirmLogout | LoggedOut) -> None:
        if isinstance(outcome, ConfirmLogout):
            self.ask(outcome)
        else:
            self.leave(outcome)

    def ask(self, question: ConfirmLogout) -> None:
        self.finish_page(
            "logout",
            targets=(question.parameters.get("post_logout_redirect_uri"),),
            xsrf=question.xsrf,
            client_name=question.client_name,
            action=self.path(endpoints.END_SESSION_CONFIRM),
            parameters=question.parameters,
            cancel_url=question.return_to,
        )

    def leave(self, outcome: LoggedOut) -> None:
        """The session is over: its cookie goes, and the browser moves on."""
        self.keep_session("", max_age=0)
        self.see_other(outcome.redirect_to or self.path(endpoints.END_SESSION_SUCCESS))


class EndSessionHandler(EndSessionAnswerHandler):
    """GET and POST /{slug}/session/end."""

    async def get(self) -> None:
        await self._start(self.query())

    async def post(self) -> None:
        await self._start(merge(self.query(), self.form()))

    async def _start(self, params: Params) -> None:
        outcome = await end_session.start(
            self.runtime, self.tenant, params, self.session_value(), self.origin
        )
        self.answer(outcome)


class EndSessionConfirmHandler(EndSessionAnswerHandler):
    """POST /{slug}/session/end/confirm: the form of the logout page."""

    async def post(self) -> None:
        outcome = await end_session.confirm(
            self.runtime, self.tenant, self.form(), self.session_value(), self.origin
        )
        self.answer(outcome)


class EndSessionSuccessHandler(EndSessionAnswerHandler):
    """GET /{slug}/session/end/success: where no client wanted the browser back."""

    async def get(self) -> None:
        self.finish_page("logout_success")
