"""The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2)."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

from handlers import browser_cookies
from handlers.interactions import endings
from handlers.oidc import outcomes
from handlers.pages import FOR_PEOPLE
from handlers.tenant import TenantHandler
from porta.browser.interactions import InteractionExpired
from porta.protocol.errors import InvalidRequest
from porta.protocol.requests.params import REPEATABLE, merge
from porta.protocol.requests.response_modes import MAX_LOCATION
from porta.provider import authorization
from storage.errors import Unreachable


class AuthorizationHandler(TenantHandler):
    """GET and POST /{slug}/auth."""

    answers = FOR_PEOPLE
    repeatable = REPEATABLE

    def claimed_client(self) -> str | None:
        return self.named("client_id")

    async def get(self) -> None:
        await outcomes.begin(self, self.query(deferred=True))

    async def post(self) -> None:
        form = self.form(deferred=True)
        query = self.query(deferred=True)
        params = merge(query, form, deferred=True) if query.names() or query.problem else form
        await outcomes.begin(self, params, cookies_withheld=self.withholds_cookies())

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

    def uid(self) -> str:
        return self.request.path.rpartition("/")[2]

    def retry_url(self) -> str | None:
        return f"{self.application.base_path}{self.request.path}"

    async def get(self) -> None:
        uid = self.uid()
        try:
            outcome = await authorization.resume(self.runtime, self.tenant, uid, self.browser())
        except InteractionExpired as error:
            await endings.end(self, uid, error)
            return
        except Unreachable as failure:
            await outcomes.begin_again(self, uid, failure)
            return
        if self.browser().posted is not None:
            browser_cookies.keep_posted(self, "", max_age=0)
        outcomes.answer(self, outcome)

    async def post(self) -> None:
        """Begin the request again that stands in the URL: a new one, which passes all checks."""
        uid = self.uid()
        copy, _ = await endings.recognize(self, uid)
        if copy is None or not copy.is_due(self.runtime.clock()):
            await endings.end(self, uid, InteractionExpired("interaction not found"))
            return
        email = endings.shown(self.form(free=frozenset({"email"})).get("email") or "")
        await outcomes.begin(self, copy.to_params(email), cookies_withheld=self.withholds_cookies())
