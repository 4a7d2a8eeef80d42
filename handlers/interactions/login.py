"""Sign-in with a password, and the way out of an interaction."""

from __future__ import annotations

from http import HTTPStatus

from handlers.interactions.base import InteractionHandler
from handlers.interactions.consent import ConsentPageHandler
from handlers.interactions.endings import shown
from handlers.interactions.gesture import GesturePageHandler
from porta.authn import login
from porta.authn.password import LoginFailed
from porta.provider import authorization

_TYPED = frozenset({"email", "password"})
"""A password is any text at all; what is no address is answered like one that nobody has."""


class LoginPageHandler(InteractionHandler):
    """Shows the login page."""

    _account: str | None = None

    async def account(self) -> str | None:
        """Return who is to sign in again, unless the client hints at somebody else."""
        if self._account is None and self.opened.reauthenticates:
            self._account = await login.signed_in_as(self.runtime, self.opened)
        hint = self.opened.interaction.parameters.get("login_hint")
        return self._account if hint in (None, self._account) else None

    async def show_login(
        self,
        *,
        status: int = HTTPStatus.OK,
        email: str | None = None,
        error: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        if retry_after is not None:
            self.set_header("Retry-After", retry_after)
        has_password = "password" in self.opened.login_methods
        again = self.opened.reauthenticates and error is None
        self.finish_step(
            "login",
            status=status,
            email=shown(email or ""),
            error=error if has_password else "errors.login_method_disabled",
            notice="login.reauthenticate" if again and has_password else None,
            account=await self.account() if self.opened.may_switch else None,
            **self.wait(retry_after),
            lock_seconds=self._lock_seconds() if error == "login.error_invalid" else None,
            show_password=has_password,
        )

    def _lock_seconds(self) -> int | None:
        """Return how long a lock lasts at most, whoever is asked about: told of no account, so that
        it can be told of each (security F.4).
        """
        config = self.tenant.config
        return config.lockout_duration_seconds if config.max_failed_logins else None


class InteractionStartHandler(LoginPageHandler, ConsentPageHandler, GesturePageHandler):
    """GET /interaction/{uid}: whatever this person is to be asked next."""

    async def get(self) -> None:
        if await authorization.has_moved_on(
            self.runtime, self.tenant, self.opened.uid, self.opened.interaction, self.browser()
        ):
            self.resume()
            return
        if self.asks_for("consent"):
            await self.show_consent()
            return
        if self.asks_for("gesture"):
            await self.show_gesture()
            return
        email = self.opened.interaction.parameters.get("login_hint")
        await self.show_login(email=email if email is not None else await self.account())


class LoginHandler(LoginPageHandler):
    """POST /interaction/{uid}/login."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form(free=_TYPED)
        email, password = form.get("email") or "", form.get("password") or ""
        if not self.csrf_holds(form):
            await self.show_login(
                status=HTTPStatus.FORBIDDEN, email=email, error="errors.csrf_invalid"
            )
            return
        try:
            signed_in = await login.submit(
                self.runtime, self.opened, email, password, self.origin, self.known_value()
            )
        except LoginFailed as refusal:
            await self.show_login(
                status=refusal.status,
                email=email,
                error=refusal.message,
                retry_after=refusal.retry_after,
            )
            return
        left = max(0, int(signed_in.expires_at - self.runtime.clock()))
        self.keep_session(signed_in.session_value, max_age=left)
        self.keep_known(signed_in.known_value)
        self.resume()


class SwitchHandler(InteractionHandler):
    """POST /interaction/{uid}/switch: whoever is signed in lets somebody else sign in."""

    async def get(self) -> None:
        """Change nothing: a link can be followed by anybody's wish."""
        self.start_over()

    async def post(self) -> None:
        if self.csrf_holds(self.form()) and self.asks_for("login"):
            await login.switch_account(self.runtime, self.opened)
        self.start_over()


class AbortHandler(InteractionHandler):
    """GET /interaction/{uid}/abort: in the browser that began it, and nowhere else."""

    async def get(self) -> None:
        await login.abort(self.runtime, self.opened)
        self.resume()
