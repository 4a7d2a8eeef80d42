"""What is set up at one's own account, step by step: an app, a passkey, recovery codes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

from handlers.account.base import (
    AccountHandler,
    accepted,
    finish_section,
    require_recent,
    show_throttled,
)
from handlers.pages import finish_page
from porta.authn import own_factors, passkey_creation, passkey_options, totp
from porta.authn.authenticator import LoginFailed
from porta.authn.own_factors import NotYours, Own
from porta.authn.password import asker_of
from porta.browser import account_visits
from porta.errors import NotFound
from porta.limits import rate_limits
from porta.limits.rate_limits import Throttled
from porta.pages import branding
from porta.pages.qr_codes import svg
from porta.protocol import endpoints
from porta.protocol.requests.params import Params
from porta.security import recovery_codes
from porta.security.encryption import Encrypted
from storage.models.users import UserProfile

_APP = frozenset({"code", "box"})


def own(handler: AccountHandler, user: UserProfile) -> Own:
    """Return the person, held, as who does something to their own factors."""
    url = endpoints.absolute(handler.tenant.issuer, endpoints.account_page(handler.section))
    return Own(handler.runtime, handler.tenant, user, handler.actor(), url)


async def choose(
    handler: AccountHandler, method: str, secret: tuple[Encrypted, int] | None = None
) -> None:
    """Have a second factor asked for from now on, and show recovery codes where it is the first
    one. Raises NotYours.
    """
    codes, hashes = await _new_codes(handler)
    async with handler.runtime.storage.transaction() as tx:
        mine = own(handler, await account_visits.hold(tx, handler.visit))
        kept = await own_factors.choose(tx, mine, method, hashes, secret)
    _finish(handler, codes if kept else None)


async def renew_codes(handler: AccountHandler) -> None:
    """Show new recovery codes, of whoever has a second factor."""
    codes, hashes = await _new_codes(handler)
    async with handler.runtime.storage.transaction() as tx:
        mine = own(handler, await account_visits.hold(tx, handler.visit))
        kept = await own_factors.renew_codes(tx, mine, hashes)
    _finish(handler, codes if kept else None)


async def _new_codes(handler: AccountHandler) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return recovery codes and their hashes, made before any row is held: not too often."""
    tenant, runtime = handler.tenant, handler.runtime
    await rate_limits.of_choice(tenant, handler.visit.user.id).count(runtime)
    codes, asker = recovery_codes.new_codes(), asker_of(tenant, handler.origin)
    hashed = map(recovery_codes.to_hashed, codes)
    return codes, tuple([await runtime.passwords.hash(code, asker) for code in hashed])


def _finish(handler: AccountHandler, codes: tuple[str, ...] | None) -> None:
    """Show recovery codes, this once; without any, what was done."""
    if codes is None:
        handler.done("factor")
        return
    issuer, page = handler.tenant.issuer, endpoints.account_page(handler.section)
    finish_page(handler, "recovery_codes", codes=codes, resume_url=endpoints.absolute(issuer, page))


def takes_apps(handler: AccountHandler) -> bool:
    """Whether the secret of an app can be kept: where there is a key to encrypt it by."""
    return totp.AUTHENTICATOR.is_ready(handler.runtime.settings)


class AddAppHandler(AccountHandler):
    """/{slug}/account/security/app: a secret to be scanned, and a code that shows that it was."""

    async def get(self) -> None:
        self._check_ready()
        if await require_recent(self):
            await self.show()

    def _check_ready(self) -> None:
        if not takes_apps(self):
            raise NotFound("no app can be set up here")

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        begun = values.pop("begun", None) or totp.begin_at(self.runtime, self._place())
        company = branding.brand(self.tenant.organization).company
        uri = totp.to_uri(begun.secret, self.visit.user.email, company)
        finish_section(
            self, "account_app", status=status, error=error, box=begun.box, secret=begun.secret,
            uri=uri, picture=svg(uri), **values,
        )  # fmt: skip

    async def again(self, form: Params) -> dict[str, Any]:
        """The picture is the same: who scanned it need not do so twice."""
        begun = totp.find_begun(self.runtime, self._place(), form.get("box") or "")
        return {"begun": begun}

    async def post(self) -> None:
        self._check_ready()
        form = await accepted(self, free=_APP)
        if form is None:
            return
        begun = totp.find_begun(self.runtime, self._place(), form.get("box") or "")
        if begun is None:
            await self.show(error="account.error_stale")
            return
        secret = totp.confirm(self.runtime, begun.secret, form.get("code") or "")
        if secret is None:
            await self.show(error="two_factor.error_invalid_code", begun=begun)
            return
        try:
            await choose(self, "totp", secret)
        except NotYours as refusal:
            error = f"account.error_{refusal.why}"
            await self.show(status=HTTPStatus.CONFLICT, error=error)
        except Throttled as refusal:
            await show_throttled(self, refusal, begun=begun)


class AddPasskeyHandler(AccountHandler):
    """/{slug}/account/security/passkey: the browser makes one, and what it answers is kept."""

    told: ClassVar[frozenset[str]] = frozenset({"passkey_added"})

    async def get(self) -> None:
        if await require_recent(self):
            await self.show()

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        uid, able = self.visit.session.uid, passkey_options.is_ready(self.runtime.settings)
        finish_section(
            self,
            "account_passkey",
            status=status,
            error=error,
            passkey=await passkey_options.of_own(self.runtime, self.tenant, self.visit.user, uid)
            if able
            else None,
            **values,
        )

    async def post(self) -> None:
        form = await accepted(self, free=frozenset({"credential"}))
        if form is None:
            return
        try:
            await self._keep(form.get("credential") or "")
        except LoginFailed as refusal:
            await self.show(error=refusal.message)
        else:
            self.done("passkey_added")

    async def _keep(self, credential: str) -> None:
        runtime, tenant, user = self.runtime, self.tenant, self.visit.user
        uid = self.visit.session.uid
        new = await passkey_creation.read_own(runtime, tenant, user, uid, credential)
        async with runtime.storage.transaction() as tx:
            held = await account_visits.hold(tx, self.visit)
            await passkey_creation.keep_own(tx, runtime, tenant, held, new, self.actor())
