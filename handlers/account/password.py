"""Account section: the password, changed, or chosen by who has none."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers import browser_cookies
from handlers.account.base import (
    AccountHandler,
    Section,
    accepted,
    count_change,
    finish_section,
    show_throttled,
)
from porta.authn import current_password
from porta.authn.authenticator import LoginFailed
from porta.browser.account_visits import VisitOver
from porta.errors import Conflict
from porta.limits.rate_limits import Throttled
from porta.protocol.requests.params import Params
from porta.services import own_password, user_passwords
from porta.services.own_password import Chosen
from porta.services.password_reset import Refused
from porta.tenants import home_realms
from porta.tenants.home_realms import ElsewhereOnly
from storage.models.users import UserProfile

_TYPED = frozenset({"current", "password", "confirmPassword"})


class PasswordHandler(AccountHandler):
    """/{slug}/account/password; POST changes it, by the `current` one where there is one."""

    told = frozenset({"password"})

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        realm = await home_realms.find_required(self.runtime, self.tenant, self.visit.user.email)
        finish_section(
            self, "account_password", status=status, error=error, elsewhere=realm is not None,
            has_password=self.visit.user.password_hash is not None,
            minimum=user_passwords.minimum_of(self.tenant.organization), **values,
        )  # fmt: skip

    def is_counted(self, form: Params) -> bool:
        """Return False: it is counted once the one that they have was shown."""
        return False

    async def post(self) -> None:
        form = await accepted(self, free=_TYPED)
        if form is None:
            return
        chosen = Chosen(
            form.get("password") or "", form.get("confirmPassword") or "", "others" in form
        )
        try:
            await self._change(form.get("current") or "", chosen)
        except Refused as refusal:
            await self.show(problems=refusal.reasons, ends_others=chosen.ends_others)
        except LoginFailed:
            await self.show(error="account.password_wrong", ends_others=chosen.ends_others)
        except ElsewhereOnly as refusal:
            await self.show(status=refusal.status)
        except Conflict:
            await self.show(
                status=HTTPStatus.CONFLICT, error="account.changed_meanwhile",
                ends_others=chosen.ends_others,
            )  # fmt: skip
        except Throttled as refusal:
            await show_throttled(self, refusal, ends_others=chosen.ends_others)
        else:
            self.done("password")

    async def _change(self, current: str, chosen: Chosen) -> None:
        before = await self._person()
        own_password.check(self.tenant, before, chosen)
        if before.password_hash is not None:
            await current_password.check(
                self.runtime, self.tenant, before, current, self.origin,
                browser_cookies.known_value(self),
            )  # fmt: skip
        await count_change(self)
        await own_password.change(
            self.runtime, self.tenant, self.visit, before, chosen, self.actor()
        )

    async def _person(self) -> UserProfile:
        users, key = self.runtime.storage.users, self.visit.user.id
        found = await users.find(key, organization_id=self.tenant.id)
        if found is None:
            raise VisitOver("this person is gone")
        return found


SECTION = Section("password", PasswordHandler)
