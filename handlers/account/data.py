"""Account section: all that is kept of a person, for themselves, and an end to it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers import browser_cookies
from handlers.account.base import (
    AccountHandler,
    Section,
    accepted,
    finish_section,
    show_throttled,
)
from handlers.admin_api.personal_data import exported
from handlers.pages import finish_page, home_url
from porta.browser.account_visits import VisitOver
from porta.errors import Forbidden
from porta.limits.rate_limits import Throttled
from porta.protocol.requests.params import Params
from porta.services import own_data
from porta.services.own_data import NotConfirmed


class DataHandler(AccountHandler):
    """/{slug}/account/data; POST hands all of it out (`download`), as a file of JSON, or deletes
    the account of whoever typed its address to `confirm`.
    """

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        may_delete = await own_data.may_delete(self.runtime, self.tenant, self.visit)
        finish_section(
            self, "account_data", status=status, error=error, may_delete=may_delete, **values
        )

    def is_counted(self, form: Params) -> bool:
        """Return False: downloads have limits of their own, and one deletion is the last."""
        return False

    async def post(self) -> None:
        form = await accepted(self, free=frozenset({"confirm"}))
        if form is None:
            return
        if "download" in form:
            await self._download()
        else:
            await self._delete(form.get("confirm") or "")

    async def _delete(self, typed: str) -> None:
        try:
            await own_data.delete(self.runtime, self.tenant, self.visit, typed, self.actor())
        except NotConfirmed:
            await self.show(error="account.delete_not_confirmed")
        except VisitOver:
            raise
        except Forbidden:
            await self.show(status=HTTPStatus.FORBIDDEN, error="account.delete_refused")
        else:
            browser_cookies.keep_session(self, "", max_age=0)
            finish_page(self, "account_deleted", home_url=home_url(self))

    async def _download(self) -> None:
        try:
            record = await own_data.export(self.runtime, self.tenant, self.visit, self.actor())
        except Throttled as refusal:
            await show_throttled(self, refusal)
            return
        self.set_header("Content-Disposition", 'attachment; filename="my-data.json"')
        body = exported(record, self.runtime.clock()).model_dump_json(by_alias=True, indent=2)
        self.finish_text(body, "application/json; charset=utf-8")


SECTION = Section("data", DataHandler)
