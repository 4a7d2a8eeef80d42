"""The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2)."""

from __future__ import annotations

from handlers import cookies
from handlers.pages import InteractionExpired, TenantPageHandler
from porta.errors import NotFound
from porta.protocol.params import Params, merge
from porta.protocol.response_modes import RESPONSE_MODES, FormPost
from porta.provider import authorization
from porta.provider.authorization import Interact, Outcome, Respond


class AuthorizationAnswerHandler(TenantPageHandler):
    """Turns an Outcome into a redirect or a form; it decides nothing."""

    def answer(self, outcome: Outcome) -> None:
        if isinstance(outcome, Interact):
            self.bind(outcome.uid, outcome.browser, self.tenant.config.interaction_ttl)
            self.see_other(f"{self.application.base_path}/interaction/{outcome.uid}")
        else:
            self.respond(outcome)

    def respond(self, response: Respond) -> None:
        """Send the response to the client, by its response mode."""
        built = RESPONSE_MODES[response.response_mode](response.redirect_uri, response.parameters)
        if isinstance(built, FormPost):
            self.finish_page(
                "form_post",
                targets=(built.action,),
                redirect_uri=built.action,
                parameters=built.fields,
            )
        else:
            self.see_other(built)

    def bind(self, uid: str, browser: str, max_age: int) -> None:
        """Set both cookies that bind an interaction to this browser; 0 takes them away."""
        secure, base = self.application.secure, self.application.base_path
        name = cookies.interaction_name(secure=secure)
        for path in (f"{base}/interaction/{uid}", f"{base}/{self.tenant.slug}/auth/{uid}"):
            self.set_cookie_line(
                cookies.build(name, browser, path=path, max_age=max_age, secure=secure)
            )


class AuthorizationHandler(AuthorizationAnswerHandler):
    """GET and POST /{slug}/auth."""

    async def get(self) -> None:
        await self._start(self.query(deferred=True))

    async def post(self) -> None:
        form = self.form(deferred=True)
        await self._start(merge(self.query(), form) if self.request.query else form)

    async def _start(self, params: Params) -> None:
        self.answer(
            await authorization.start(self.runtime, self.tenant, params, self.session_value())
        )


class AuthorizationResumeHandler(AuthorizationAnswerHandler):
    """GET /{slug}/auth/{uid}: a person has answered, the request goes on."""

    async def get(self) -> None:
        uid = self.request.path.rpartition("/")[2]
        browser = self.cookie(cookies.interaction_name(secure=self.application.secure))
        session = self.session_value()
        try:
            outcome = await authorization.resume(self.runtime, self.tenant, uid, browser, session)
        except NotFound as error:
            raise InteractionExpired(error.message) from error
        if isinstance(outcome, Respond):
            self.bind(uid, "", 0)
        self.answer(outcome)
