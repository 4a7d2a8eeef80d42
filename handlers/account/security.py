"""Account section: what its owner signs in by, beside a password; and where it is not asked for."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar, NamedTuple

from handlers.account.base import (
    AccountHandler,
    Section,
    accepted,
    finish_section,
    show_throttled,
)
from handlers.account.security_set_up import (
    AddAppHandler,
    AddPasskeyHandler,
    choose,
    own,
    renew_codes,
    takes_apps,
)
from handlers.interactions.endings import shown
from porta.authn import own_factors, passkey_options
from porta.authn.own_factors import NotYours
from porta.browser import account_visits
from porta.errors import Invalid
from porta.limits.rate_limits import Throttled
from porta.protocol.requests.own_factors import FEW, TO_SET_UP, asked, choices
from porta.protocol.requests.params import Params
from porta.protocol.requests.sign_in import trusted_days
from porta.services import user_trusted_devices
from porta.services.user_passkeys import PasskeyPatch
from porta.text import user_agents
from storage.models.passkeys import Passkey
from storage.models.sign_ins import SecondFactors
from storage.models.trusted_devices import TrustedDevice

_COUNTED = frozenset({"codes", "choose", "rename", "off"})
"""The buttons of changes; by all others passkeys and devices are taken away, which never ends."""
_SIGNALLED = frozenset({"passkey_added", "passkey_renamed", "passkey_removed"})
"""After these the browser is told which passkeys are good (WebAuthn §5.1.10)."""


class PasskeyLine(NamedTuple):
    """A passkey, for its owner to recognize. Times are in seconds since the epoch."""

    id: str
    name: str
    is_synced: bool
    created_at: float
    used_at: float | None


class DeviceLine(NamedTuple):
    """A trusted device, likewise."""

    id: str
    browser: str | None
    system: str | None
    address: str | None
    expires_at: float


class SecurityHandler(AccountHandler):
    """/{slug}/account/security; POST does what its button says to a passkey, a factor, a device."""

    told: ClassVar[frozenset[str]] = frozenset({*_SIGNALLED, "factor", "device"})

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        user, storage = self.visit.user, self.runtime.storage
        key = (user.id, self.tenant.id)
        held = await storage.second_factors.find(*key) or SecondFactors()
        devices = await storage.trusted_devices.list(*key)
        method = asked(self.tenant.organization, user, held)
        skips = method not in (None, TO_SET_UP) and trusted_days(self.tenant.organization)
        finish_section(
            self,
            "account_security",
            status=status,
            error=error,
            passkeys=tuple(map(_passkey, await storage.passkeys.list(*key))),
            takes_passkeys=passkey_options.is_ready(self.runtime.settings),
            asked=method,
            method=held.method if user.two_factor_enabled else None,
            choices=self._choices(held),
            codes_left=held.recovery_codes,
            few_codes=held.recovery_codes <= FEW,
            devices=tuple(map(_device, devices)),
            shows_devices=bool(devices or skips),
            signals=await self._signals(),
            **values,
        )

    def _choices(self, held: SecondFactors) -> tuple[str, ...]:
        """Return the second factors that may be chosen now, by what is here and what they have."""
        by_mail = self.runtime.post.is_sent and self.visit.user.email_verified
        ready = {
            "totp": takes_apps(self),
            "email": by_mail and held.method != "email",
            "passkey": held.passkeys > 0 and held.method != "passkey",
        }
        return tuple(each for each in choices(self.tenant.organization) if ready[each])

    async def _signals(self) -> str | None:
        if self.request.method != "GET" or self.query().get("told") not in _SIGNALLED:
            return None
        return await passkey_options.signals(self.runtime, self.visit.user)

    def is_counted(self, form: Params) -> bool:
        """Passkeys and devices of somebody else can always be taken away."""
        return any(each in form for each in _COUNTED)

    async def again(self, form: Params) -> dict[str, Any]:
        if "rename" not in form:
            return {}
        return {"renaming": form.get("passkey"), "renamed": shown(form.get("name") or "")}

    async def post(self) -> None:
        form = await accepted(self, free=frozenset({"name"}))
        if form is None:
            return
        try:
            if "codes" in form:
                await renew_codes(self)
            elif (method := form.get("choose")) in ("email", "passkey"):
                await choose(self, method)
            else:
                self.done(await self._change(form))
        except NotYours as refusal:
            error = f"account.error_{refusal.why}"
            await self.show(status=HTTPStatus.CONFLICT, error=error)
        except Throttled as refusal:
            await show_throttled(self, refusal)
        except Invalid:
            error = "account.error_passkey_name"
            again = await self.again(form)
            await self.show(status=HTTPStatus.BAD_REQUEST, error=error, **again)

    async def _change(self, form: Params) -> str | None:
        passkey = form.get("passkey") or ""
        name = None
        if "rename" in form:
            name = PasskeyPatch.parse({"name": (form.get("name") or "").strip()}).name
        async with self.runtime.storage.transaction() as tx:
            mine = own(self, await account_visits.hold(tx, self.visit))
            if "rename" in form and name is not None:
                renamed = await own_factors.rename_passkey(tx, mine, passkey, name)
                return "passkey_renamed" if renamed else None
            if "remove" in form:
                removed = await own_factors.remove_passkey(tx, mine, passkey)
                return "passkey_removed" if removed else None
            if "off" in form:
                await own_factors.turn_off(tx, mine)
                return "factor"
            if "devices" in form:
                await user_trusted_devices.remove_all_own(tx, mine.actor, mine.user)
                return "device"
            device = form.get("device") or ""
            gone = await user_trusted_devices.remove_own(tx, mine.actor, mine.user, device)
            return "device" if gone else None


def _passkey(stored: Passkey) -> PasskeyLine:
    return PasskeyLine(
        stored.id, stored.name, stored.backup_eligible, stored.created_at, stored.last_used_at
    )


def _device(stored: TrustedDevice) -> DeviceLine:
    browser, system = user_agents.name_of(stored.user_agent)
    return DeviceLine(stored.id, browser, system, stored.ip_address, stored.expires_at)


SECTION = Section(
    "security",
    SecurityHandler,
    (("/app", AddAppHandler), ("/passkey", AddPasskeyHandler)),
)
