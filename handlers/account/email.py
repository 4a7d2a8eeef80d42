"""Account section: another address, by a link that is mailed there."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers import languages
from handlers.account.base import (
    AccountHandler,
    Section,
    accepted,
    finish_section,
    show_throttled,
)
from handlers.interactions.endings import shown
from porta.errors import NotFound
from porta.limits.rate_limits import Throttled
from porta.protocol.requests.params import Params
from porta.services import email_change, pending_email
from porta.services.typed_address import NoAddress
from porta.tenants import home_realms
from porta.tenants.home_realms import ElsewhereOnly


class EmailHandler(AccountHandler):
    """/{slug}/account/email; POST asks for another `email`, or gives that up (`withdraw`)."""

    told = frozenset({"email", "email_withdrawn"})

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        pending = await pending_email.find(self.runtime.storage, self.visit.user)
        realm = await home_realms.find_required(self.runtime, self.tenant, self.visit.user.email)
        finish_section(
            self, "account_email", status=status, error=error, elsewhere=realm is not None,
            pending=pending.email if pending is not None else None,
            has_mail=self.runtime.post.is_sent, **values,
        )  # fmt: skip

    def is_counted(self, form: Params) -> bool:
        """A change can always be given up."""
        return "withdraw" not in form

    async def again(self, form: Params) -> dict[str, Any]:
        return {"email": shown(form.get("email") or "")}

    async def post(self) -> None:
        form = await accepted(self, free=frozenset({"email"}))
        if form is None:
            return
        if "withdraw" in form:
            given_up = await email_change.withdraw(self.runtime, self.visit, self.actor())
            self.done("email_withdrawn" if given_up else None)
        else:
            await self._ask(form.get("email") or "")

    async def _ask(self, typed: str) -> None:
        if not self.runtime.post.is_sent:
            raise NotFound("no mail is sent here")
        try:
            await email_change.ask(
                self.runtime, self.tenant, self.visit, typed, languages.language(self),
                self.actor(), self.origin,
            )  # fmt: skip
        except NoAddress as refusal:
            await self.show(email=shown(typed), error=refusal.message)
        except ElsewhereOnly as refusal:
            await self.show(status=refusal.status)
        except Throttled as refusal:
            await show_throttled(self, refusal, email=shown(typed))
        else:
            self.done("email")


SECTION = Section("email", EmailHandler)
