"""The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2)."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

from handlers.errors import failure_of
from handlers.interactions.endings import EndingHandler, shown
from porta.browser.interactions import InteractionExpired
from porta.errors import PortaError
from porta.protocol import endpoints
from porta.protocol.errors import InvalidRequest
from porta.protocol.requests.params import REPEATABLE, Params, merge
from porta.protocol.requests.response_modes import MAX_LOCATION, RESPONSE_MODES, FormPost
from porta.provider import authorization
from porta.provider.outcomes import Interact, Outcome, Respond
from storage.errors import Unreachable


class AuthorizationAnswerHandler(EndingHandler):
    """Turns an Outcome into a redirect or a form; it decides nothing."""

    async def begin(self, params: Params, *, cookies_withheld: bool = False) -> None:
        """Begin an authorization request, and answer with what becomes of it."""
        try:
            outcome = await authorization.start(
                self.runtime,
                self.tenant,
                params,
                self.browser(),
                self.origin.address,
                cookies_withheld=cookies_withheld,
            )
        except PortaError:
            await self.name_application()
            raise
        self.answer(outcome)

    async def begin_again(self, failure: Unreachable) -> None:
        """Begin the request anew whose interaction a lost Redis had, with the address as typed.

        Raises `failure` where it lies elsewhere, or is not known well enough.
        """
        replay, _ = await self.recognize()
        if not self.is_lost(replay):
            raise failure
        await self.begin(replay.to_params(self.typed()))

    def answer(self, outcome: Outcome) -> None:
        if isinstance(outcome, Respond):
            self.respond(outcome)
            return
        if isinstance(outcome, Interact):
            self.keep_browser(outcome.secret)
            self.see_other(f"{self.application.base_path}/interaction/{outcome.uid}")
        else:
            self.keep_posted(outcome.posted, max_age=self.tenant.config.interaction_ttl)
            issuer, uid = self.tenant.issuer, outcome.uid
            self.see_other(endpoints.absolute(issuer, endpoints.AUTHORIZATION_RESUME, uid=uid))

    def respond(self, response: Respond) -> None:
        """Send the response to the client, by its response mode."""
        if response.refused is not None:
            self.about.client_id = response.refused.client_id
            self.log_refusal(failure_of(response.refused.error))
        built = RESPONSE_MODES[response.response_mode](response.redirect_uri, response.parameters)
        if isinstance(built, FormPost):
            self.finish_page(
                "form_post",
                redirect_uri=built.action,
                parameters=built.fields,
            )
        else:
            self.see_other(built)


class AuthorizationHandler(AuthorizationAnswerHandler):
    """GET and POST /{slug}/auth."""

    repeatable = REPEATABLE

    async def get(self) -> None:
        await self.begin(self.query(deferred=True))

    async def post(self) -> None:
        form = self.form(deferred=True)
        query = self.query(deferred=True)
        params = merge(query, form, deferred=True) if query.names() or query.problem else form
        await self.begin(params, cookies_withheld=self.withholds_cookies())

    def withholds_cookies(self) -> bool:
        """Whether this POST may come from another site, without cookies of SameSite=Lax.

        In a frame the GET that follows would bring none either, and could not be bound.
        """
        place = self.request.headers.get("Sec-Fetch-Dest", "document")
        return self.browser().secret is None and place == "document"

    def retry_url(self) -> str | None:
        """Return the address at which what was posted can be asked for once more.

        None where it is too long for one, or names a person by an ID token: no URL holds that.
        """
        if self.request.method != "POST" or self.request.query:
            return super().retry_url()
        with suppress(InvalidRequest):
            form = self.form()
            sent = [(name, value) for name in form.names() for value in form.all(name)]
            url = f"{self.application.base_path}{self.request.path}?{urlencode(sent)}"
            return url if len(url) <= MAX_LOCATION and "id_token_hint" not in form else None
        return None


class AuthorizationResumeHandler(AuthorizationHandler):
    """GET /{slug}/auth/{uid}: a person has answered, the request goes on; POST begins it again."""

    repeatable = frozenset()

    def handle(self) -> str:
        return self.request.path.rpartition("/")[2]

    async def post(self) -> None:
        """Begin the request again that stands in the URL: a new one, which passes all checks."""
        replay, _ = await self.recognize()
        if replay is None or not replay.is_due(self.runtime.clock()):
            await self.end(InteractionExpired("interaction not found"))
            return
        email = shown(self.form(free=frozenset({"email"})).get("email") or "")
        await self.begin(replay.to_params(email), cookies_withheld=self.withholds_cookies())

    def retry_url(self) -> str | None:
        return f"{self.application.base_path}{self.request.path}"

    async def get(self) -> None:
        uid = self.handle()
        try:
            outcome = await authorization.resume(self.runtime, self.tenant, uid, self.browser())
        except InteractionExpired as error:
            await self.end(error)
            return
        except Unreachable as failure:
            await self.begin_again(failure)
            return
        if self.browser().posted is not None:
            self.keep_posted("", max_age=0)
        self.answer(outcome)
